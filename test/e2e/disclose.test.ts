import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countersign, testHome, type Finished, type TestHome } from '../support/home.ts';
import { startWire, type Wire } from '../support/wire.ts';

const effectsServer = new URL('../support/effects-server.mjs', import.meta.url).pathname;
const marker = 'MARKER-2f81c0';

interface Setup extends AsyncDisposable {
  readonly home: TestHome;
  readonly at: (name: string) => string;
  /** Runs the tool once, in a gate that goes on until `rest`, and returns the call's id. */
  readonly call: (word?: string) => Promise<string>;
  /** Ends the gate; the next call starts another. */
  readonly rest: () => Promise<void>;
  /** Writes the call's envelopes to `call.jsonl`, and says what `verify` says of these openings. */
  readonly verify: (callId: string, openings: string) => Promise<Finished>;
  /** The ledger's files in which the text stands. */
  readonly filesWith: (text: string) => string[];
}

async function setup(...plaintext: readonly string[]): Promise<Setup> {
  const home = await testHome();
  const rules = plaintext.map((rule) => `  - {tools: ["effects/*"], ${rule}}\n`).join('');
  writeFileSync(
    join(home.home, 'policy.yaml'),
    `version: 1\nname: test\nrules:\n  - {id: perform, effect: allow, tools: ["effects/perform"]}\n` +
      (rules && `plaintext:\n${rules}`),
  );
  const at = (name: string): string => join(home.work, name);
  const start = (): Wire =>
    startWire(
      process.execPath,
      [countersign, 'wrap', '--name', 'effects', '--', process.execPath, effectsServer, at('effects.txt')],
      home.env,
    );
  let gate: Wire | undefined;
  const rest = async (): Promise<void> => {
    await gate?.end();
    gate = undefined;
  };
  return {
    home,
    at,
    rest,
    async call(word = marker) {
      gate ??= start();
      const { result } = await gate.request('tools/call', { name: 'perform', arguments: { word } });
      expect(result?.['content']).toEqual([{ type: 'text', text: word }]);
      return (await calls(home)).at(-1) ?? '';
    },
    async verify(callId, openings) {
      const shown = await home.here('log', 'show', callId, '--json');
      const { verdict, outcome } = JSON.parse(shown.stdout) as { verdict: unknown; outcome: unknown };
      writeFileSync(at('call.jsonl'), `${JSON.stringify(verdict)}\n${JSON.stringify(outcome)}\n`);
      writeFileSync(at('openings.jsonl'), openings);
      const files = ['--trust', home.trustFile, '--opening', at('openings.jsonl'), at('call.jsonl')];
      return home.here('verify', ...files);
    },
    filesWith: (text) =>
      readdirSync(home.home)
        .filter((name) => name.startsWith('ledger'))
        .filter((name) => readFileSync(join(home.home, name)).includes(text)),
    async [Symbol.asyncDispose]() {
      await rest();
      await home[Symbol.asyncDispose]();
    },
  };
}

interface Entry {
  readonly kind: string;
  readonly callId: string | null;
  readonly statement: { readonly predicate: { readonly change?: unknown } };
}

async function entries(home: TestHome): Promise<readonly Entry[]> {
  const { stdout } = await home.here('log', 'tail', '-n', '1000', '--json');
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Entry);
}

async function calls(home: TestHome): Promise<string[]> {
  return (await entries(home)).flatMap(({ kind, callId }) => (kind === 'allow' && callId ? [callId] : []));
}

const openingsOf = ({ stdout }: Finished): Record<string, unknown>[] =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('countersign disclose', () => {
  let test: Setup;
  beforeAll(async () => {
    test = await setup();
  });
  afterAll(() => test[Symbol.asyncDispose]());

  it('opens single fields, which verify checks against what was signed', async () => {
    const callId = await test.call();
    const fields = ['/args/word', 'params', 'input', 'action', 'result'];
    const disclosed = await test.home.cli(
      'disclose',
      callId,
      ...fields.flatMap((field) => ['--field', field]),
    );
    expect(disclosed.code).toBe(0);
    const openings = openingsOf(disclosed);
    expect(openings.map(({ field }) => field)).toEqual(fields);
    expect(openings[0]).toMatchObject({ callId, value: marker });
    // Of results only the salt is kept unless policy says more: who holds the result adds it.
    expect(openings[4]).toEqual({ callId, field: 'result', salt: expect.any(String) as unknown });
    expect(disclosed.stderr).toContain('result was not kept');
    const result = JSON.stringify({ content: [{ type: 'text', text: marker }] });
    const whole = [...openings.slice(0, 4), { ...openings[4], value: result }];
    const verified = await test.verify(callId, whole.map((opening) => JSON.stringify(opening)).join('\n'));
    expect(verified).toMatchObject({ code: 0 });
    expect(verified.stdout).toContain(fields.join(', '));

    for (const forged of [
      { ...openings[0], value: 'another' },
      { ...openings[0], field: 'params' },
      openings[4],
    ]) {
      const { code, stdout } = await test.verify(callId, JSON.stringify(forged));
      expect([code, stdout.includes('UNBOUND')]).toEqual([1, true]);
    }
  });

  it('writes to a file that its owner alone can read, and replaces none', async () => {
    const callId = await test.call();
    const args = ['disclose', callId, '--field', '/args/word', '--out', test.at('opening.json')];
    expect(await test.home.here(...args)).toMatchObject({ code: 0, stdout: '' });
    expect(statSync(test.at('opening.json')).mode & 0o077).toBe(0);
    expect((await test.verify(callId, readFileSync(test.at('opening.json'), 'utf8'))).code).toBe(0);
    expect((await test.home.here(...args)).code).toBe(2);
  });

  it('prints no character that a terminal would obey, and the value all the same', async () => {
    const word = '\u009b2J\u202e\u{e0041}é\u007f';
    const callId = await test.call(word);
    const { stdout } = await test.home.here('disclose', callId, '--field', '/args/word');
    expect(stdout).toMatch(/^[\x20-\x7eé]+\n$/);
    expect(openingsOf({ code: 0, stdout, stderr: '' })[0]).toMatchObject({ value: word });
    expect((await test.verify(callId, stdout)).code).toBe(0);
  });

  it('says why there is nothing: no such call, no such commitment, not kept', async () => {
    await using test = await setup('fields: ["/word"], treatment: drop');
    const callId = await test.call();
    const disclose = async (id: string, field: string): Promise<string> => {
      const { code, stdout, stderr } = await test.home.here('disclose', id, '--field', field);
      expect(stdout).toBe('');
      return `${code} ${/ (\w+):/.exec(stderr)?.[1] ?? ''}`;
    };
    expect(await disclose(crypto.randomUUID(), 'action')).toBe('1 NOT_FOUND');
    expect(await disclose(callId, '/args/nothing')).toBe('1 NOT_FOUND');
    expect(await disclose(callId, '/args/word')).toBe('1 PLAINTEXT_MISSING');
    expect(await disclose(callId, 'action')).toBe('1 PLAINTEXT_MISSING');
    expect(await disclose(callId, '/args/word/0')).toBe('2 USAGE');
    expect(test.filesWith(marker)).toEqual([]);
  });
});

describe('plaintext that is sealed to an auditor', () => {
  const auditor = generateKeyPairSync('x25519');
  const { x } = auditor.publicKey.export({ format: 'jwk' });
  const sealed = `fields: ["*"], treatment: encrypt, key: {kty: OKP, crv: X25519, x: ${x ?? ''}}`;
  const pem = ({ privateKey } = auditor): string =>
    privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

  it('is in no file of the ledger, and opens with the auditor’s key: on their own machine too', async () => {
    await using test = await setup(sealed);
    const callId = await test.call();
    expect(test.filesWith(marker)).toEqual([]);
    writeFileSync(test.at('auditor.pem'), pem());
    writeFileSync(test.at('other.pem'), pem(generateKeyPairSync('x25519')));
    const fields = ['--field', '/args/word', '--field', 'result'];
    const args = ['disclose', callId, ...fields];

    const opened = await test.home.cli(...args, '--decrypt', test.at('auditor.pem'));
    expect(opened.code).toBe(0);
    expect(openingsOf(opened)[0]).toMatchObject({ value: marker });
    expect((await test.verify(callId, opened.stdout)).code).toBe(0);

    const handedOver = await test.home.here(...args);
    expect(handedOver.code).toBe(0);
    expect(handedOver.stdout).not.toContain(marker);
    expect((await test.verify(callId, handedOver.stdout)).stdout).toContain('UNBOUND');
    writeFileSync(test.at('sealed.jsonl'), handedOver.stdout);
    const elsewhere = ['disclose', '--sealed', test.at('sealed.jsonl'), '--decrypt'];
    const decrypt = (key: string) => test.home.here(...elsewhere, test.at(key));
    expect((await decrypt('auditor.pem')).stdout).toBe(opened.stdout);
    const refused = await decrypt('other.pem');
    expect([refused.code, refused.stdout]).toEqual([1, '']);
    expect(refused.stderr).toContain('PLAINTEXT_MISSING');
    expect((await decrypt('sealed.jsonl')).stderr).toContain('CONFIG_INVALID');
  });
});

describe('countersign erase', () => {
  it('removes plaintext and salts from every file, and leaves a log that proves as before', async () => {
    await using test = await setup();
    const [gone, kept] = [await test.call(), await test.call('KEPT-WORD')];
    await test.rest();
    expect(test.filesWith(marker)).not.toEqual([]);
    const salt = openingsOf(await test.home.here('disclose', gone, '--field', '/args/word'))[0]?.['salt'];
    const saltBytes = Buffer.from(String(salt), 'base64').toString('latin1');

    expect(await test.home.cli('erase', gone, '--yes')).toMatchObject({
      code: 0,
      stdout: 'Erased 1 call.\n',
    });
    expect(test.filesWith(marker)).toEqual([]);
    for (const name of readdirSync(test.home.home).filter((each) => each.startsWith('ledger')))
      expect(readFileSync(join(test.home.home, name)).toString('latin1')).not.toContain(saltBytes);

    for (const command of [
      ['log', 'show', gone, '--action'],
      ['disclose', gone, '--field', '/args/word'],
    ]) {
      const { code, stderr } = await test.home.here(...command);
      expect([code, stderr.includes('PLAINTEXT_MISSING')]).toEqual([1, true]);
    }
    const openingOfKept = await test.home.here('disclose', kept, '--field', '/args/word');
    expect((await test.verify(kept, openingOfKept.stdout)).code).toBe(0);
    const stale = JSON.stringify({ callId: gone, field: '/args/word', salt, value: marker });
    // The log itself lost nothing: whoever kept an opening can still show it.
    expect((await test.verify(gone, stale)).code).toBe(0);

    const last = (await entries(test.home)).at(-1);
    expect(last).toMatchObject({ kind: 'change', callId: null });
    expect(last?.statement.predicate.change).toEqual({ kind: 'erased', calls: { count: 1, ids: [gone] } });
    expect(JSON.stringify(await entries(test.home))).not.toContain(marker);
    expect((await test.home.here('erase', gone, '--yes')).stdout).toBe('Erased 0 calls.\n');
    expect((await entries(test.home)).at(-1)).toEqual(last);
    expect(await test.call('after')).not.toBe('');
  });

  it('takes calls by time and by tool, and asks for --yes where nobody can answer', async () => {
    await using test = await setup();
    const callId = await test.call();
    await test.rest();
    const erase = async (...args: string[]): Promise<unknown> => {
      const { code, stdout } = await test.home.here('erase', ...args, '--json');
      return code === 0 ? (JSON.parse(stdout) as unknown) : code;
    };
    const nothing = { erased: [], running: [] };
    expect(await erase(callId)).toBe(2);
    expect(await erase('--yes')).toBe(2);
    expect(await erase(callId, '--tool', 'effects/perform', '--yes')).toBe(2);
    expect(await erase('--before', 'yesterday', '--yes')).toBe(2);
    expect(await erase('--before', '2026-01-01', '--yes')).toEqual(nothing);
    expect(await erase('--tool', 'effects/other', '--yes')).toEqual(nothing);
    const later = new Date(Date.now() + 60_000).toISOString();
    expect(await erase('--before', '2026-01-01', '--tool', 'effects/perform', '--yes')).toEqual(nothing);
    expect(await erase('--before', later, '--tool', 'effects/perform', '--yes')).toEqual({
      erased: [callId],
      running: [],
    });
    expect(await erase(crypto.randomUUID(), '--yes')).toBe(1);
  });

  it('works beside a gate that goes on', async () => {
    await using test = await setup();
    const callId = await test.call();
    expect((await test.home.cli('erase', callId, '--yes')).code).toBe(0);
    expect(test.filesWith(marker)).toEqual([]);
    expect(await test.call('next')).not.toBe(callId);
    await test.rest();
    expect((await calls(test.home)).length).toBe(2);
  });
});
