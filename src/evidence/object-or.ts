import type { Json, JsonObject } from '../call/json.ts';

/** The value if it is an object, else an empty one: a field of either is then just not there. */
export function objectOr(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}
