import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { commit } from '../../src/call/commitment.ts';
import { base64, fromUtf8, hex, utf8 } from '../../src/call/sha256.ts';
import { unsealRow } from '../../src/gate/sealed-row.ts';
import type { SideRow } from '../../src/ledger/ledger.ts';
import { readHpkePrivateKey } from '../../src/pki/hpke.ts';
import { compilePolicy } from '../../src/policy/compile.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { recipientOfBase64 } from '../../src/policy/recipient.ts';
import { answer, countingTarget, harness, never, statementOf } from './harness.ts';

/** One argument that the tool declares, and one that it does not. */
const args = { path: 'PATH-VALUE', other: 'OTHER-VALUE' };
const auditor = generateKeyPairSync('x25519');
const publicKey = base64(
  Uint8Array.from(Buffer.from((auditor.publicKey.export({ format: 'jwk' }) as { x: string }).x, 'base64url')),
);

async function auditorKey() {
  const key = await readHpkePrivateKey(
    auditor.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  );
  if (key === undefined) throw new Error('the key was not read');
  return key;
}

function plaintextOf(...rules: readonly string[]): Policy['plaintextOf'] {
  const lines = rules.map((rule) => `  - {tools: ["files/echo"], ${rule}}\n`).join('');
  const text = `version: 1\nname: t\nrules:\n  - {id: r, effect: allow, tools: ["*/*"]}\nplaintext:\n${lines}`;
  return compilePolicy([{ name: 't.yaml', text }]).plaintextOf;
}

const encryptAll = `fields: ["*"], treatment: encrypt, key: "${publicKey}"`;

interface Ran {
  readonly callId: string;
  readonly rows: ReadonlyMap<string, SideRow>;
  /** Everything that the side store holds, as text. */
  readonly text: string;
  readonly predicate: Readonly<Record<string, unknown>>;
  readonly outcome: Readonly<Record<string, unknown>>;
}

async function run(policy?: Policy['plaintextOf']): Promise<Ran> {
  const { gate, call, ledger, apiKey } = await harness(policy && { plaintextOf: policy });
  const one = call('echo', args);
  const result = await gate.run(one, { apiKey }, countingTarget(), never);
  if (result.kind !== 'done') throw new Error(`the call was ${result.kind}`);
  const rows = await ledger.side(one.id);
  return {
    callId: one.id,
    rows: new Map(rows.map((row) => [row.name, row])),
    text: rows.map(({ value }) => (value && fromUtf8(value)) ?? '').join('\n'),
    predicate: statementOf(result.envelopes.verdict).predicate,
    outcome: statementOf(result.envelopes.outcome).predicate,
  };
}

const names = ({ rows }: Ran): string[] => [...rows.keys()];
const valued = ({ rows }: Ran): string[] =>
  [...rows.values()].filter(({ value }) => value !== undefined).map(({ name }) => name);
const everything = ['action', 'params', 'arguments/path', 'input', 'result/raw', 'result/normalised'];

describe('the side store', () => {
  it('keeps by default what was called, and the salts alone of arguments and result', async () => {
    const ran = await run();
    expect(names(ran)).toEqual(everything);
    expect(valued(ran)).toEqual(['action', 'params', 'input']);
  });

  it('keeps results where policy says so, once', async () => {
    const ran = await run(plaintextOf('fields: [result], treatment: keep'));
    expect(valued(ran)).toEqual(['action', 'params', 'input', 'result/raw']);
    expect(ran.rows.get('result/raw')?.value).toEqual(answer.kind === 'result' && answer.result);
  });

  it('loses a redacted argument from every part that holds it, and keeps the salts', async () => {
    const ran = await run(plaintextOf('fields: ["/path"], treatment: redact'));
    expect(names(ran)).toEqual(everything);
    expect(valued(ran)).toEqual([]);
    expect(ran.text).not.toContain('VALUE');
  });

  it('loses an argument that no schema declares in the same way', async () => {
    const ran = await run(plaintextOf('fields: ["/other"], treatment: drop'));
    expect(ran.text).not.toContain('OTHER-VALUE');
    expect(names(ran)).toEqual(['arguments/path', 'result/raw', 'result/normalised']);
    // What may be kept is kept by itself, now that no whole holds it.
    expect(fromUtf8(ran.rows.get('arguments/path')?.value ?? new Uint8Array())).toBe('"PATH-VALUE"');
  });

  it('keeps no salt of what is dropped, nor of a whole that held it: a short value could be guessed', async () => {
    const ran = await run(plaintextOf('fields: ["/path"], treatment: drop'));
    expect(names(ran)).toEqual(['result/raw', 'result/normalised']);
  });

  it('keeps nothing where policy says so, and the log has every commitment all the same', async () => {
    const ran = await run(plaintextOf('fields: ["*"], treatment: drop'));
    expect(names(ran)).toEqual([]);
    expect(ran.predicate).toMatchObject({
      arguments: { '/path': { commitment: {} } },
      params: {},
      input: {},
    });
    expect(ran.outcome).toMatchObject({ result: { raw: {}, normalised: {} } });
  });

  it('keeps no digest of params whose salt it does not keep: the action document has one', async () => {
    const dropped = await run(plaintextOf('fields: [params], treatment: drop'));
    expect(names(dropped)).toEqual(['arguments/path', 'input', 'result/raw', 'result/normalised']);
    const redacted = await run(plaintextOf('fields: [params], treatment: redact'));
    expect(valued(redacted)).toEqual(['action', 'input']);
  });

  it('treats calls to other tools by their own rules', async () => {
    const policy = plaintextOf('fields: ["*"], treatment: drop');
    const ran = await run((tool, field) => policy({ ...tool, name: 'other' }, field));
    expect(valued(ran)).toEqual(['action', 'params', 'input']);
  });
});

describe('what policy has sealed', () => {
  it('is in no row that can be read, neither value nor salt', async () => {
    const ran = await run(plaintextOf(encryptAll));
    expect(names(ran)).toEqual(everything.map((name) => `sealed:${name}`));
    expect(ran.text).not.toContain('VALUE');
    for (const { salt } of ran.rows.values()) expect(salt).toEqual(new Uint8Array());
  });

  it('opens for its recipient, and then opens what was signed', async () => {
    const { rows, callId, predicate, outcome } = await run(plaintextOf(encryptAll));
    const key = await auditorKey();
    const open = async (name: string): Promise<Required<SideRow>> => {
      const row = rows.get(`sealed:${name}`);
      const opened = row && (await unsealRow(callId, row, key));
      if (opened?.value === undefined) throw new Error(`${name} did not open`);
      expect(opened.name).toBe(name);
      return { ...opened, value: opened.value };
    };
    const commitmentOf = async (name: string): Promise<object> => {
      const { salt, value } = await open(name);
      return { commitment: { sha256: hex(commit(salt, value)) } };
    };
    expect(predicate['params']).toEqual(await commitmentOf('params'));
    expect(predicate['input']).toEqual(await commitmentOf('input'));
    expect(predicate['arguments']).toEqual({ '/path': await commitmentOf('arguments/path') });
    expect(outcome['result']).toMatchObject({ raw: await commitmentOf('result/raw') });
    expect(fromUtf8((await open('action')).value)).toContain('OTHER-VALUE');
  });

  it('opens for no other call and under no other name: rows cannot be swapped', async () => {
    const policy = plaintextOf(encryptAll);
    const [one, other] = [await run(policy), await run(policy)];
    const key = await auditorKey();
    const row = one.rows.get('sealed:action');
    if (row === undefined) throw new Error('there is no row');
    expect(await unsealRow(one.callId, row, key)).toBeDefined();
    expect(await unsealRow(other.callId, row, key)).toBeUndefined();
    expect(await unsealRow(one.callId, { ...row, name: 'sealed:params' }, key)).toBeUndefined();
  });

  it.each([null, {}, [], 1, { kem: 32, kdf: 1, aead: 2, enc: '', ciphertext: '' }, { kem: '32' }])(
    'is not %j',
    async (sealed) => {
      const row = { name: 'sealed:action', salt: new Uint8Array(), value: utf8(JSON.stringify(sealed)) };
      expect(await unsealRow('x', row, await auditorKey())).toBeUndefined();
    },
  );

  it('binds the wholes to the strictest of their arguments', async () => {
    const sealed = `fields: ["/path"], treatment: encrypt, key: "${publicKey}"`;
    const ran = await run(plaintextOf(sealed));
    expect(names(ran).filter((name) => !name.startsWith('sealed:'))).toEqual([
      'result/raw',
      'result/normalised',
    ]);
    expect(ran.rows.has('sealed:action')).toBe(true);
    // What one auditor may read and nobody may keep is in no common whole.
    const both = await run(plaintextOf(sealed, 'fields: ["/other"], treatment: redact'));
    expect(names(both)).toEqual(['sealed:arguments/path', 'result/raw', 'result/normalised']);
  });
});

describe('when sealing fails', () => {
  /** A point that no runtime takes: the policy's own check would have refused it. */
  const broken: Policy['plaintextOf'] = () => ({
    kind: 'encrypt',
    recipient: { ...recipientOfBase64(publicKey), publicKey: new Uint8Array(3) },
  });

  it('the call is denied before anything runs', async () => {
    const { gate, call, ledger, apiKey } = await harness({ plaintextOf: broken });
    const target = countingTarget();
    const one = call('echo', args);
    const result = await gate.run(one, { apiKey }, target, never);
    expect(result).toMatchObject({ kind: 'denied', denial: { code: 'SEALING_FAILED', retryable: false } });
    expect(target.runs).toBe(0);
    expect(await ledger.entriesOfCall(one.id)).toEqual([]);
  });

  it('what ran already gets its outcome, and nothing of the result is kept', async () => {
    const usual = plaintextOf('fields: ["/path"], treatment: keep');
    const ran = await run((tool, field) => (field === 'result' ? broken(tool, field) : usual(tool, field)));
    expect(names(ran)).toEqual(['action', 'params', 'arguments/path', 'input']);
    expect(ran.outcome).toMatchObject({ outcome: 'executed', result: { raw: {} } });
  });
});
