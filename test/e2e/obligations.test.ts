import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyWithSigstore } from '../../examples/first-hour/sigstore.ts';
import { countersign, filesystemServer, testHome, type TestHome } from '../support/home.ts';

const policy = `version: 1
name: careful
rules:
  - id: read
    effect: allow
    tools: [files/read_text_file]
    obligations:
      - { type: transform, set: { /head: '2.0' } }
      - { type: redact, of: result, match: '[0-9]{4}-[0-9]{4}' }
      - { type: limit, bytes: 400 }
      - { type: notify, to: ops }
`;

interface Bundle {
  readonly dsseEnvelope: { readonly payload: string };
}
interface Result {
  readonly isError?: boolean;
  readonly content: unknown;
  readonly _meta?: Record<
    string,
    { readonly verdict: Bundle; readonly outcome: Bundle; readonly code?: string }
  >;
}

let home: TestHome;
let folder: string;
let client: Client;
let hook: Server;
const told: { readonly data: { readonly envelopes: { readonly outcome: Bundle } } }[] = [];

beforeAll(async () => {
  home = await testHome();
  folder = join(home.work, 'files');
  mkdirSync(folder);
  hook = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      told.push(JSON.parse(body) as (typeof told)[number]);
      response.end();
    });
  });
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
  const { port } = hook.address() as AddressInfo;
  writeFileSync(join(home.home, 'policy.yaml'), policy);
  writeFileSync(
    join(home.home, 'countersign.yaml'),
    `notify: { ops: { url: 'http://127.0.0.1:${port}/' } }\n`,
  );
  client = new Client({ name: 'e2e', version: '1.0.0' });
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [countersign, 'wrap', '--name', 'files', '--', process.execPath, filesystemServer, folder],
      env: home.env as Record<string, string>,
      stderr: 'ignore',
    }),
  );
});

afterAll(async () => {
  await client.close();
  hook.close();
  await home[Symbol.asyncDispose]();
});

async function read(name: string, text: string): Promise<Result> {
  const path = join(folder, name);
  writeFileSync(path, text);
  return (await client.callTool({ name: 'read_text_file', arguments: { path } })) as Result;
}

function predicateOf({ dsseEnvelope: { payload } }: Bundle): Record<string, unknown> {
  const statement = JSON.parse(Buffer.from(payload, 'base64').toString()) as {
    predicate: Record<string, unknown>;
  };
  return statement.predicate;
}

/** Sigstore's own library accepts both envelopes, and so do we, together with the result as the client has it. */
async function proven(result: Result): Promise<{ verdict: object; outcome: object; text: string }> {
  const { verdict, outcome } = result._meta!['dev.countersign/envelope']!;
  const trust = readFileSync(home.trustFile, 'utf8');
  for (const envelope of [verdict, outcome])
    expect(verifyWithSigstore(envelope, trust)).toContain('spiffe://');
  const file = join(home.work, `result-${crypto.randomUUID()}.json`);
  writeFileSync(file, JSON.stringify(result));
  const verified = await home.here('verify', '--trust', home.trustFile, '--expect', 'executed', file);
  expect(verified, verified.stderr + verified.stdout).toMatchObject({ code: 0 });
  return { verdict: predicateOf(verdict), outcome: predicateOf(outcome), text: verified.stdout };
}

describe('a rule with obligations, before a real server', () => {
  it('has the server get other arguments and the client another result, and the envelopes are of these', async () => {
    const result = await read('cards.txt', 'card 1111-2222\nsecond\nthird\n');
    const text = JSON.stringify(result.content);
    expect(text).toContain('card [redacted]\\nsecond');
    expect(text).not.toContain('third');
    const { verdict, outcome, text: report } = await proven(result);
    expect(verdict).toHaveProperty('asked.params.commitment');
    expect(outcome).toMatchObject({ enforcement: ['redacted'] });
    expect(report).toContain('policy changed the arguments');
  });

  it('withholds a result that is too large, and the envelopes say that the call ran', async () => {
    const result = await read('large.txt', 'a'.repeat(1_000));
    expect(result.isError).toBe(true);
    expect(JSON.stringify(result.content)).not.toContain('aaaa');
    expect(result._meta?.['dev.countersign/denial']).toMatchObject({
      code: 'RESULT_TOO_LARGE',
      retryable: false,
    });
    const { outcome } = await proven(result);
    expect(outcome).toMatchObject({ outcome: 'executed', enforcement: ['withheld'] });
  });

  it('tells whom it names what came of the call, with the very envelopes', async () => {
    const result = await read('noted.txt', 'noted\n');
    const { outcome } = result._meta!['dev.countersign/envelope']!;
    await expect.poll(() => told.map(({ data }) => data.envelopes.outcome)).toContainEqual(outcome);
  });
});
