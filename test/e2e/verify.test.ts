import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { metaKeys } from '../../src/names.ts';
import type { VerifyCode } from '../../src/verify/codes.ts';
import { testHome, type Finished } from '../support/home.ts';
import {
  envelopesOf,
  expectRefused,
  expectVerified,
  recordCalls,
  type RecordedCalls,
  type VerifyReport,
} from '../support/recorded-calls.ts';

let recorded: RecordedCalls;

beforeAll(async () => {
  recorded = await recordCalls();
});

afterAll(() => recorded[Symbol.asyncDispose]());

/** `countersign verify` in words, of files. */
function verifyFiles(...options: string[]): Promise<Finished> {
  return recorded.home.cli('verify', '--trust', recorded.home.trustFile, ...options);
}

describe('countersign verify accepts', () => {
  it('a call, and tells who, which tool, what, by which rule, when and where', async () => {
    const { allowed, callId, write } = recorded;
    const { code, stdout } = await verifyFiles(write('allowed.json', allowed));
    expect(code).toBe(0);
    for (const text of ['ALLOW', 'things/look', 'executed', callId, 'spiffe://', 'same-user', 'self']) {
      expect(stdout).toContain(text);
    }
    expect(stdout).toMatch(/rule +look/);
    expect(stdout).toMatch(/when +\d{4}-\d\d-\d\dT/);
    expect(stdout).toMatch(/log +log\.\S+ entry \d+ of \d+/);
  });

  it('a result as it came or printed anew, alone or in a response', async () => {
    const { allowed, denied } = recorded;
    const raw = await expectVerified(recorded, allowed, '--expect', 'executed');
    expect(raw.calls[0]?.binding['result']).toBe('raw');
    const printed = await expectVerified(recorded, JSON.stringify(allowed, null, 2), '--expect', 'executed');
    expect(printed.calls[0]?.binding['result']).toBe('normalised');
    await expectVerified(recorded, { jsonrpc: '2.0', id: 1, result: allowed }, '--expect', 'executed');
    await expectVerified(recorded, denied, '--expect', 'deny');
  });

  it('bundles and lines of anything; a verdict and its outcome may come apart', async () => {
    const { allowed, denied, write } = recorded;
    const { verdict, outcome } = envelopesOf(allowed);
    await expectVerified(recorded, verdict, '--expect', 'allow');
    const lines = [outcome, verdict, { jsonrpc: '2.0', id: 1, result: denied }].map((each) =>
      JSON.stringify(each),
    );
    expect((await expectVerified(recorded, `\n${lines.join('\r\n')}\n\n`)).calls).toHaveLength(2);
    const files = [
      write('verdict.json', verdict),
      write('outcome.json', outcome),
      write('denied.json', denied),
    ];
    const { code, stdout } = await verifyFiles('--json', ...files);
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as VerifyReport).calls).toHaveLength(2);
  });

  it('the arguments that were decided on; those the schema does not declare, with the action document', async () => {
    const { allowed, args, callId, home, write } = recorded;
    const { undeclared, ...declared } = args;
    expect(undeclared).toBeDefined();
    await expectRefused(recorded, 'UNBOUND', allowed, '--arguments', write('args.json', args));
    const { stdout } = await home.cli('log', 'show', callId, '--action');
    const action = ['--action', write('action.json', stdout)];
    await expectVerified(recorded, allowed, ...action, '--arguments', write('args.json', args));
    for (const other of [{}, declared, { ...args, at: 'the sun' }, { ...args, more: 1 }]) {
      await expectRefused(recorded, 'UNBOUND', allowed, ...action, '--arguments', write('args.json', other));
    }
    const result = await recorded.call('look', declared);
    await expectVerified(
      recorded,
      result,
      '--arguments',
      write('args.json', JSON.stringify(declared, null, 4)),
    );
    for (const other of [
      {},
      { at: declared['at'] },
      { ...declared, at: 'the sun' },
      { ...declared, more: 1 },
    ]) {
      await expectRefused(recorded, 'UNBOUND', result, '--arguments', write('args.json', other));
    }
  });

  it('who signed, if it is exactly the one that --identity names', async () => {
    const { allowed } = recorded;
    const { calls } = await expectVerified(recorded, allowed);
    const identity = calls[0]?.envelopes[0]?.signer.identity ?? '';
    await expectVerified(recorded, allowed, '--identity', identity);
    for (const other of [
      `${identity}x`,
      identity.slice(0, -1),
      identity.toUpperCase(),
      'spiffe://',
      '.*',
      '',
    ]) {
      await expectRefused(recorded, 'CERTIFICATE_IDENTITY', allowed, '--identity', other);
    }
  });
});

interface Tampering {
  readonly title: string;
  readonly code: VerifyCode;
  readonly edit: (result: Tampered) => unknown;
}

interface Tampered extends Record<string, unknown> {
  content: { text: string }[];
  _meta: Record<string, Pair>;
}
interface Pair {
  verdict: Changeable;
  outcome: Changeable;
}
interface Changeable {
  readonly dsseEnvelope: { payload: string };
}

function envelopes({ _meta }: Tampered): Pair {
  return _meta[metaKeys.envelope] as Pair;
}

/** Says something else in a statement, and leaves its signature. */
function restate({ dsseEnvelope }: Changeable, from: string, to: string): void {
  const text = Buffer.from(dsseEnvelope.payload, 'base64').toString();
  expect(text).toContain(from);
  dsseEnvelope.payload = Buffer.from(text.replace(from, to)).toString('base64');
}

describe('countersign verify refuses', () => {
  it.each<Tampering>([
    {
      title: 'a result that says something else',
      code: 'UNBOUND',
      edit: (result) => (result.content = [{ text: 'x' }]),
    },
    { title: 'a result with a member more', code: 'UNBOUND', edit: (result) => (result['more'] = 1) },
    {
      title: 'a result with a member less',
      code: 'UNBOUND',
      edit: (result) => delete result['structuredContent'],
    },
    { title: 'a result that became an error', code: 'UNBOUND', edit: (result) => (result['isError'] = true) },
    {
      title: 'a verdict on another tool',
      code: 'SIGNATURE_INVALID',
      edit: (result) => restate(envelopes(result).verdict, '"look"', '"lock"'),
    },
    {
      title: 'an outcome that says something else',
      code: 'SIGNATURE_INVALID',
      edit: (result) => restate(envelopes(result).outcome, 'executed', 'aborted'),
    },
    {
      title: 'an outcome in place of the verdict',
      code: 'PAIR_MISMATCH',
      edit: (result) => (envelopes(result).verdict = envelopes(result).outcome),
    },
  ])('$title', async ({ code, edit }) => {
    const copy = structuredClone(recorded.allowed) as unknown as Tampered;
    edit(copy);
    await expectRefused(recorded, code, copy);
  });

  it('the envelopes of another call, both or one of them', async () => {
    const { allowed } = recorded;
    const other = await recorded.call('look', { at: 'another' });
    await expectRefused(recorded, 'UNBOUND', { ...allowed, _meta: other._meta });
    const mixed = { ...envelopesOf(allowed), outcome: envelopesOf(other).outcome };
    await expectRefused(recorded, 'PAIR_MISMATCH', { ...allowed, _meta: { [metaKeys.envelope]: mixed } });
  });

  it.each([
    ['deny', 'allowed'],
    ['allow', 'denied'],
    ['executed', 'denied'],
  ] as const)('with --expect %s a call that was %s', async (expectation, which) => {
    await expectRefused(recorded, 'EXPECTATION_FAILED', recorded[which], '--expect', expectation);
  });

  it('an outcome without its verdict, and a verdict without its outcome, where an execution is expected', async () => {
    for (const half of Object.values(envelopesOf(recorded.allowed)).filter(
      (each) => 'dsseEnvelope' in each,
    )) {
      await expectRefused(recorded, 'EXPECTATION_FAILED', half, '--expect', 'executed');
    }
  });

  it('what another home signed', async () => {
    await using other = await testHome();
    const file = recorded.write('allowed.json', recorded.allowed);
    const { code, stdout } = await other.cli('verify', '--trust', other.trustFile, file);
    expect(code).toBe(1);
    expect(stdout).toContain('CERTIFICATE_CHAIN');
  });

  it.each([
    ['nothing', ''],
    ['no JSON', 'hello'],
    ['half a result', '{"content":['],
    ['a result without envelopes', '{"content":[]}'],
    ['a number', '1'],
    ['a list', '[]'],
    ['an empty call', '{"callId":"x","verdict":null,"outcome":null}'],
    ['envelopes that are none', `{"_meta":{"${metaKeys.envelope}":{"verdict":{}}}}`],
  ])('%s', async (_, text) => {
    const { code, stdout, stderr } = await recorded.verify(text);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect((JSON.parse(stdout) as VerifyReport).ok).toBe(false);
  });

  it('one bad call among good ones, and names its code in words', async () => {
    const { allowed, denied, write } = recorded;
    const files = [write('denied.json', denied), write('tampered.json', { ...allowed, content: [] })];
    const { code, stdout } = await verifyFiles(...files);
    expect(code).toBe(1);
    expect(stdout).toContain('UNBOUND');
    expect(stdout).toContain('refused: 1 of 2');
  });
});

describe('countersign verify takes for misuse', () => {
  it.each([
    ['a trust root that is no JSON', '{'],
    ['a trust root that trusts nobody', '{}'],
    ['a trust root that is empty', ''],
  ])('%s', async (_, text) => {
    const { allowed, home, write } = recorded;
    const files = ['--trust', write('trust.json', text), write('allowed.json', allowed)];
    const { code, stdout, stderr } = await home.cli('verify', ...files);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^countersign: .+\n$/);
  });

  it('a bundle for a trust root, and a file that is not there', async () => {
    const { allowed, home, write } = recorded;
    const file = write('allowed.json', allowed);
    const trust = write('trust.json', envelopesOf(allowed).verdict);
    expect((await home.cli('verify', '--trust', trust, file)).code).toBe(2);
    expect((await verifyFiles(file, 'nowhere.json')).code).toBe(2);
    expect((await verifyFiles('--arguments', 'nowhere.json', file)).code).toBe(2);
    expect((await verifyFiles('--action', 'nowhere.json', file)).code).toBe(2);
  });
});
