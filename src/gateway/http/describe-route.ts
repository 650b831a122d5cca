import type { MiddlewareHandler } from 'hono';
import type { JsonObject } from '../../call/json.ts';

/** An Operation Object of OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1#operation-object), as far as we write one. */
export interface Operation {
  readonly summary: string;
  readonly description?: string;
  /** Of queries and headers; those of the path are known from it. */
  readonly parameters?: readonly JsonObject[];
  readonly requestBody?: JsonObject;
  /** By status. What every refusal has in common stands by itself under `default`. */
  readonly responses: Readonly<Record<string, JsonObject>>;
}

const described = new WeakMap<object, Operation>();

/** Says what a route is, beside its handler, where whoever changes one sees the other. Does nothing to a request. */
export function describeRoute(operation: Operation): MiddlewareHandler {
  const nothing: MiddlewareHandler = (_, next) => next();
  described.set(nothing, operation);
  return nothing;
}

/** What was said with `describeRoute`; undefined of every other handler. */
export function operationOf(handler: object): Operation | undefined {
  return described.get(handler);
}
