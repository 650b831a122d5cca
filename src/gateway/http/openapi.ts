import { Hono } from 'hono';
import type { Json, JsonObject } from '../../call/json.ts';
import { reasonCodes } from '../../names.ts';
import { reasonHeader } from './answers.ts';
import { describeRoute, operationOf, type Operation } from './describe-route.ts';

/** A route as Hono lists it: a middleware, or the handler of a method on a path. */
export interface ServedRoute {
  readonly method: string;
  readonly path: string;
  readonly handler: object;
}

export interface OpenApiOptions {
  /** Every route that is served. */
  readonly routes: readonly ServedRoute[];
  /** Whether a path template is answered without a key. */
  readonly isPublic: (method: string, path: string) => boolean;
  /** Of the gateway. */
  readonly version: string;
}

/** The OpenAPI 3.1.1 document of these routes. A route that nobody described is not in it. */
export function openApiDocument({ routes, isPublic, version }: OpenApiOptions): JsonObject {
  const paths: Record<string, JsonObject> = {};
  for (const { method, path, handler } of routes) {
    const operation = operationOf(handler);
    if (operation === undefined) continue;
    const template = templateOf(path);
    paths[template] = {
      ...paths[template],
      [method.toLowerCase()]: operationObject(operation, method, template, isPublic(method, path)),
    };
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Countersign gateway',
      version,
      description: 'Every call is decided, signed and recorded before it is carried out.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    security: [{ bearer: [] }, { key: [] }],
    paths,
    components,
  };
}

/** `GET /openapi.json`. It tells nothing secret, and is nobody's business without a key all the same. */
export function openApiRoutes(document: () => JsonObject): Hono {
  const app = new Hono();
  app.get('/openapi.json', describeRoute(itself), ({ json }) =>
    json(document(), 200, { 'cache-control': 'no-cache' }),
  );
  return app;
}

const itself: Operation = {
  summary: 'This document',
  responses: {
    200: { description: 'OpenAPI 3.1', content: { 'application/json': { schema: { type: 'object' } } } },
  },
};

/** Hono's `/actions/:name` and `/log/tile/*` as path templates. */
function templateOf(path: string): string {
  return path.replace(/:(\w+)(?:\{[^}]*\})?/g, '{$1}').replace(/\*$/, '{path}');
}

function operationObject(
  { summary, description, parameters = [], requestBody, responses }: Operation,
  method: string,
  template: string,
  isPublic: boolean,
): JsonObject {
  const inPath = [...template.matchAll(/\{(\w+)\}/g)].map(([, name = '']): Json => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const all = [...inPath, ...parameters];
  return {
    operationId: `${method.toLowerCase()}${template.replace(/[^A-Za-z0-9]+/g, '-').replace(/-$/, '')}`,
    summary,
    ...(description === undefined ? {} : { description }),
    ...(all.length === 0 ? {} : { parameters: all }),
    ...(requestBody === undefined ? {} : { requestBody }),
    responses: { ...responses, default: { $ref: '#/components/responses/Refusal' } },
    ...(isPublic ? { security: [] } : {}),
  };
}

const components: JsonObject = {
  securitySchemes: {
    bearer: { type: 'http', scheme: 'bearer', description: 'The API key.' },
    key: {
      type: 'apiKey',
      in: 'header',
      name: 'Countersign-Key',
      description: 'The API key, where Authorization carries a person’s token.',
    },
  },
  schemas: {
    ReasonCode: { type: 'string', enum: [...reasonCodes] },
    Refusal: {
      type: 'object',
      properties: {
        error: {
          type: 'object',
          properties: { code: { $ref: '#/components/schemas/ReasonCode' }, message: { type: 'string' } },
          required: ['code', 'message'],
        },
      },
      required: ['error'],
    },
  },
  responses: {
    Refusal: {
      description: 'Refused: why is in the body, and in a header.',
      headers: { [reasonHeader]: { schema: { $ref: '#/components/schemas/ReasonCode' } } },
      content: { 'application/json': { schema: { $ref: '#/components/schemas/Refusal' } } },
    },
  },
};
