import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { metaKeys } from '../../src/names.ts';
import type { VerifyCode } from '../../src/verify/codes.ts';
import { countersign, runCountersign, testHome, type Finished, type TestHome } from './home.ts';
import { startWire, type Wire } from './wire.ts';

export const catalogueServer = new URL('catalogue-server.ts', import.meta.url).pathname;

export interface Bundle {
  readonly dsseEnvelope: { readonly payload: string };
}
export interface Envelopes {
  readonly verdict: Bundle;
  readonly outcome?: Bundle;
}
export interface Result {
  readonly content: readonly { readonly text: string }[];
  readonly _meta: Record<string, Envelopes>;
}
export interface Statement {
  readonly subject: readonly { readonly digest: { readonly sha256: string } }[];
  readonly predicateType: string;
  readonly predicate: Record<string, unknown>;
}
export interface VerifyReport {
  readonly ok: boolean;
  readonly calls: readonly {
    readonly ok: boolean;
    readonly failures: readonly { readonly code: string }[];
    readonly envelopes: readonly { readonly kind: string; readonly signer: { readonly identity: string } }[];
    readonly binding: Record<string, string>;
  }[];
}

/** A home whose gate has decided two calls of the server `things`, and still runs. */
export interface RecordedCalls extends AsyncDisposable {
  readonly home: TestHome;
  readonly wire: Wire;
  /** What both calls were asked with. `undeclared` is no property of the tool's schema. */
  readonly args: Readonly<Record<string, unknown>>;
  /** Of `things/look`, by the rule `look`. */
  readonly allowed: Result;
  readonly callId: string;
  /** Of `things/change`, for which there is no rule. */
  readonly denied: Result;
  call(tool: string, args: object): Promise<Result>;
  /** Writes a file into the work folder: text as it is, all else as JSON. */
  write(name: string, content: unknown): string;
  /** `countersign verify --json` of one input, by a user who has nothing but the trust root and the input. */
  verify(input: unknown, ...options: string[]): Promise<Finished>;
}

const policy = `version: 1
name: test
rules:
  - { id: look, effect: allow, tools: ["things/look"] }
`;
const schema = { type: 'object', properties: { at: { type: 'string' }, deep: {} } };
const tools = ['look', 'change'].map((name) => ({ name, inputSchema: schema }));

export async function recordCalls(): Promise<RecordedCalls> {
  const home = await testHome();
  const write = (name: string, content: unknown): string => {
    const file = join(home.work, name);
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    return file;
  };
  writeFileSync(join(home.home, 'policy.yaml'), policy);
  const server = [process.execPath, catalogueServer, write('tools.json', tools)];
  const wire = startWire(
    process.execPath,
    [countersign, 'wrap', '--name', 'things', '--', ...server],
    home.env,
  );
  const call = async (tool: string, args: object): Promise<Result> =>
    (await wire.request('tools/call', { name: tool, arguments: args })).result as unknown as Result;

  const args = { at: 'the moon', deep: { n: [1, 2.5], 'é/~': true }, undeclared: 1 };
  const allowed = await call('look', args);
  return {
    home,
    wire,
    args,
    allowed,
    callId: callIdIn(envelopesOf(allowed).verdict),
    denied: await call('change', args),
    call,
    write,
    verify: (input, ...options) =>
      runCountersign({
        env: { PATH: process.env['PATH'], HOME: join(home.work, 'nobody') },
        cwd: home.work,
        args: ['verify', '--trust', 'trusted_root.json', '--json', ...options, '-'],
        input: typeof input === 'string' ? input : JSON.stringify(input),
      }),
    async [Symbol.asyncDispose]() {
      await wire.end();
      await home[Symbol.asyncDispose]();
    },
  };
}

export function envelopesOf(result: Result): Envelopes {
  return result._meta[metaKeys.envelope] as Envelopes;
}

export function statementOf({ dsseEnvelope }: Bundle): Statement {
  return JSON.parse(Buffer.from(dsseEnvelope.payload, 'base64').toString()) as Statement;
}

export function callIdIn(bundle: Bundle): string {
  return String(statementOf(bundle).predicate['callId']);
}

/** Asserts that `verify` accepts the input; gives its report. */
export async function expectVerified(
  { verify }: RecordedCalls,
  input: unknown,
  ...options: string[]
): Promise<VerifyReport> {
  const finished = await verify(input, ...options);
  expect(finished, finished.stdout).toMatchObject({ code: 0, stderr: '' });
  return JSON.parse(finished.stdout) as VerifyReport;
}

/** Asserts that `verify` refuses the input, with this code among those of its failed checks. */
export async function expectRefused(
  { verify }: RecordedCalls,
  code: VerifyCode,
  input: unknown,
  ...options: string[]
): Promise<void> {
  const finished = await verify(input, ...options);
  expect(finished).toMatchObject({ code: 1, stderr: '' });
  const { calls } = JSON.parse(finished.stdout) as VerifyReport;
  expect(calls.flatMap(({ failures }) => failures.map((failure) => failure.code))).toContain(code);
}
