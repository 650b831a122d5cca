import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { operationOf } from '../../../src/gateway/http/describe-route.ts';
import { approvePaths } from '../../../src/gateway/http/approve-page.ts';
import { isProbe, isPublished } from '../../../src/gateway/http/public-paths.ts';
import { createHome } from '../../../src/runtime/home/create-home.ts';
import { homeAuthenticator, openGovernance, type Governance } from '../../../src/runtime/home/governance.ts';
import { openHome } from '../../../src/runtime/home/open-home.ts';
import { createMetrics } from '../../../src/runtime/serve/metrics.ts';
import { createCallDesks } from '../../../src/runtime/serve/call-desks.ts';
import { beginGeneration, type Generation } from '../../../src/runtime/serve/serve-generation.ts';
import { readServeSettings } from '../../../src/runtime/serve/serve-settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-openapi-'));
const silent = { write: () => undefined };
let governance: Governance;
let generation: Generation;
let ask: (path: string, headers?: Record<string, string>) => Promise<Response>;
let document: Document;

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: object }[];
  readonly responses: Readonly<Record<string, { readonly description?: string; readonly $ref?: string }>>;
  readonly security?: readonly object[];
}
interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly securitySchemes: object };
}

/** Everything that can be served is. */
const configuration = `version: 1
actions:
  set-pressure:
    parameters: { type: object, properties: { value: { type: number } } }
    request: { url: "http://127.0.0.1:9/" }
servers:
  files: { url: "http://127.0.0.1:9/mcp" }
publicUrl: http://gate.example
approvals: { origin: https://gate.example }
identity:
  humans: [{ issuer: "https://idp.test", keys: { url: "https://idp.test/jwks" } }]
  events: [{ issuer: "https://idp.test", keys: { url: "https://idp.test/jwks" } }]
`;

/** Whoever asks there says who it is in another way. */
const withoutKey: ReadonlySet<string> = new Set(['/v1/enrolment', '/v1/security-events', ...approvePaths]);

beforeAll(async () => {
  const root = join(folder, 'home');
  const { apiKey } = await createHome(root, undefined, () => undefined);
  const home = openHome(root, '', () => undefined);
  governance = await openGovernance(home, homeAuthenticator(home), silent);
  const configFile = join(folder, 'countersign.yaml');
  writeFileSync(configFile, configuration);
  const settings = readServeSettings({ configFile, homePolicy: home.layout.policy, env: {} });
  const metrics = createMetrics(
    { logSize: () => Promise.resolve(0), requestsInFlight: () => 0, openStreams: () => 0 },
    { version: '0', mode: 'same-user' },
  );
  generation = await beginGeneration(governance, settings, {
    desks: createCallDesks(),
    stopping: Promise.resolve(),
    isOwnHost: () => true,
    metrics,
    refused: () => undefined,
    stderr: silent,
  });
  ask = (path, headers = { authorization: `Bearer ${apiKey}` }) =>
    generation.fetch(
      new Request(`http://gate.example${path}`, { headers: { host: 'gate.example', ...headers } }),
      {},
    );
  document = (await (await ask('/openapi.json')).json()) as Document;
});

afterAll(async () => {
  await generation.retire();
  await governance.close();
  rmSync(folder, { recursive: true, force: true });
});

const operations = (): { readonly path: string; readonly method: string; readonly operation: Operation }[] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );

/** Hono's own words for the same: `/a/:b` and `/a/*`. */
const asTemplate = (path: string): string => path.replace(/:(\w+)/g, '{$1}').replace(/\*$/, '{path}');

describe('GET /openapi.json', () => {
  it('has every route that is served, and no other', () => {
    // What answers every method says only that there is nothing for this one; middleware is on every path.
    const served = generation.routes
      .filter(({ method, handler }) => method !== 'ALL' && operationOf(handler) === undefined)
      .map(({ method, path }) => `${method} ${asTemplate(path)}`);
    const described = operations().map(({ path, method }) => `${method.toUpperCase()} ${path}`);
    expect(described.toSorted()).toEqual([...new Set(served)].toSorted());
    expect(described).toContain('POST /actions/{name}');
  });

  it('says of each whether it needs a key as it is', async () => {
    for (const { path, method, operation } of operations()) {
      const isPublic =
        isPublished(method.toUpperCase(), path) ||
        isProbe(method.toUpperCase(), path) ||
        withoutKey.has(path);
      expect([path, operation.security]).toEqual([path, isPublic ? [] : undefined]);
      if (method !== 'get') continue;
      const { status } = await ask(path.replaceAll(/[{}]/g, ''), {});
      expect([path, status === 401]).toEqual([path, !isPublic]);
    }
    expect(await ask('/openapi.json', {})).toMatchObject({ status: 401 });
  });

  it('is a document of OpenAPI 3.1: what is required is there, ids are unique, and references lead somewhere', () => {
    expect(document.openapi).toMatch(/^3\.1\.\d+$/);
    expect(document.info).toMatchObject({ title: expect.any(String), version: expect.any(String) });
    const ids = operations().map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { path, operation } of operations()) {
      expect(operation.summary).not.toBe('');
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
      expect(declared.map(({ name }) => name)).toEqual(inPath);
      for (const [status, response] of Object.entries(operation.responses)) {
        expect(status).toMatch(/^(?:[1-5]\d\d|default)$/);
        expect(typeof (response.description ?? response.$ref)).toBe('string');
      }
    }
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(
      ([, at = '']) => at,
    );
    expect(references.length).toBeGreaterThan(0);
    for (const at of references) {
      const target = at
        .split('/')
        .reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], document);
      expect([at, typeof target]).toEqual([at, 'object']);
    }
  });
});
