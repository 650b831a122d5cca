/** A JSON value whose numbers are doubles. Objects are null-prototype. */
export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}
