import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { verifyCommand } from '../../src/cli/verify.ts';
import { testTrustSystem } from '../support/trust-system.ts';
import { allowedCall, deniedCall } from './calls.ts';

const system = await testTrustSystem();
const call = await allowedCall(system);
const denied = await deniedCall(system);
const folder = mkdtempSync(join(tmpdir(), 'countersign-verify-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const files: Readonly<Record<string, string>> = {
  'trust.json': JSON.stringify(system.trustedRoot),
  'result.json': call.answer,
  'verdict.json': call.verdict,
  'outcome.json': call.outcome,
  'denied.json': denied.answer,
  'forged.json': call.answer.replace('"done"', '"gone"'),
  'arguments.json': JSON.stringify(call.arguments),
  'others.json': '{"path":"/etc/passwd"}',
  'action.json': Buffer.from(call.action).toString(),
  'broken.json': '{"mediaType":',
};
for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(args: readonly string[], stdin = '', terminal = false, env = {}): Promise<Ran> {
  const written = { out: '', err: '' };
  const code = await verifyCommand.run(args, {
    stdin: Readable.from([Buffer.from(stdin)]),
    stdout: { write: (text) => (written.out += text), isTTY: terminal },
    stderr: { write: (text) => (written.err += text) },
    env,
    cwd: folder,
  });
  return { code, ...written };
}

const trusting = ['--trust', 'trust.json'];

describe('countersign verify', () => {
  it('says who, which tool, which verdict, when and where, and exits 0', async () => {
    const { code, out } = await run([
      ...trusting,
      '--expect',
      'executed',
      '--arguments',
      'arguments.json',
      'result.json',
    ]);
    expect(code).toBe(0);
    for (const part of [
      'ALLOW  files/read_file  executed',
      'spiffe://test.example/gate/one',
      'agent-1',
      'accepted-tools',
      'same-user',
      `${system.origin} entry ${call.verdictRecord.index} of`,
      '2026-11-21T21:00:00.000Z',
      'byte for byte',
      'not opened',
      'assurance: self',
      'trust root sha256:',
    ]) {
      expect(out).toContain(part);
    }
  });

  it.each([
    [['verdict.json', 'outcome.json', '--expect', 'executed', '--action', 'action.json']],
    [['--identity', 'spiffe://test.example/gate/one', 'result.json']],
    [['--expect', 'deny', 'denied.json']],
  ])('verifies: %j', async (args) => {
    expect((await run([...trusting, ...args])).code).toBe(0);
  });

  it.each([
    ['UNBOUND', ['forged.json']],
    ['UNBOUND', ['result.json', '--arguments', 'others.json']],
    ['CERTIFICATE_IDENTITY', ['result.json', '--identity', 'spiffe://test.example/gate/two']],
    ['EXPECTATION_FAILED', ['denied.json', '--expect', 'allow']],
    ['EXPECTATION_FAILED', ['outcome.json', '--expect', 'executed']],
    ['INPUT_MALFORMED', ['broken.json']],
    ['INPUT_MALFORMED', ['result.json', 'broken.json']],
  ])('exits 1 and says %s: %j', async (reason, args) => {
    const { code, out } = await run([...trusting, ...args]);
    expect(code).toBe(1);
    expect(out).toContain(reason);
  });

  it.each([
    ['no trust root', ['result.json'], '--trust'],
    ['no file', trusting, 'Name a file'],
    ['a file that is not there', [...trusting, 'nothing.json'], 'nothing.json'],
    ['a trust root that is not there', ['--trust', 'nothing.json', 'result.json'], 'nothing.json'],
    ['a trust root that is none', ['--trust', 'result.json', 'result.json'], 'CONFIG_INVALID'],
    [
      'an expectation that it does not know',
      [...trusting, '--expect', 'yes', 'result.json'],
      'allow, deny or executed',
    ],
    ['an option that it does not know', [...trusting, '--insecure', 'result.json'], 'insecure'],
  ])('exits 2 and says what to do for %s', async (_, args, said) => {
    const { code, out, err } = await run(args);
    expect(code).toBe(2);
    expect(err).toContain(said);
    expect(out).toBe('');
  });

  it('reads standard input, and JSON lines', async () => {
    expect((await run([...trusting, '-'], `${call.answer}\n${denied.answer}\n`)).code).toBe(0);
    expect((await run([...trusting, '-'], '')).code).toBe(1);
  });

  it('gives the whole report as JSON', async () => {
    const { code, out } = await run([...trusting, '--json', 'forged.json']);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      ok: false,
      assurance: 'self',
      calls: [{ from: ['forged.json'], ok: false, failures: [{ part: 'call', code: 'UNBOUND' }] }],
    });
  });

  it('colours only a terminal, and never against NO_COLOR', async () => {
    const coloured = (ran: Ran): boolean => ran.out.includes('\u001b[');
    expect(coloured(await run([...trusting, 'result.json']))).toBe(false);
    expect(coloured(await run([...trusting, 'result.json'], '', true))).toBe(true);
    expect(coloured(await run([...trusting, 'result.json'], '', true, { NO_COLOR: '1' }))).toBe(false);
  });

  it('lets no statement steer the terminal', async () => {
    const message = 'fine\u001b[2J\r\u202e';
    const odd = await allowedCall(system, {
      facts: {
        decision: {
          verdict: 'ALLOW',
          code: 'RULE_ALLOWS',
          rule: 'r',
          message,
          obligations: [],
          controls: [],
        },
      },
    });
    const { code, out } = await run([...trusting, '-'], odd.answer);
    expect(code).toBe(0);
    expect(out).toContain('fine\\u{1b}[2J\\u{d}\\u{202e}');
  });
});
