import { bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { Verifier, toSignedEntity, toTrustMaterial } from '@sigstore/verify';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/call/bytes.ts';
import { formatSignatureLine } from '../../src/tlog/note.ts';
import type { NoteSignature } from '../../src/tlog/note.ts';
import { formatVkey, signatureTypes } from '../../src/tlog/vkey.ts';
import type { VerifierKey } from '../../src/tlog/vkey.ts';
import { loadWitnesses, parseAssurance } from '../../src/verify/cosignatures.ts';
import type { Assurance } from '../../src/verify/cosignatures.ts';
import { loadTrust } from '../../src/verify/trust.ts';
import { verifyInputs } from '../../src/verify/verify.ts';
import { testTrustSystem } from '../support/trust-system.ts';
import { testKey } from '../tlog/test-keys.ts';
import type { TestKey } from '../tlog/test-keys.ts';
import { allowedCall, codesOf } from './calls.ts';

const system = await testTrustSystem();
const trust = await loadTrust(system.trustedRootBytes);
const call = await allowedCall(system);

const witness = (name: string): TestKey => testKey(name, signatureTypes.cosignatureV1);
const [one, two] = [witness('witness.test/1'), witness('witness.test/2')];
/** When the checkpoints were cosigned: a minute after the statements in them were stamped. */
const later = BigInt(system.now / 1_000 + 60);

interface BundleWithCheckpoint {
  verificationMaterial: { tlogEntries: [{ inclusionProof: { checkpoint: { envelope: string } } }] };
}

type Sign = (text: string) => readonly NoteSignature[];

/** A bundle with more lines below its checkpoint. */
function cosigned(bundle: string, sign: Sign): string {
  const parsed = JSON.parse(bundle) as BundleWithCheckpoint;
  const { checkpoint } = parsed.verificationMaterial.tlogEntries[0].inclusionProof;
  const text = checkpoint.envelope.slice(0, checkpoint.envelope.lastIndexOf('\n\n') + 1);
  checkpoint.envelope += sign(text).map(formatSignatureLine).join('');
  return JSON.stringify(parsed);
}

const by =
  (...keys: readonly TestKey[]): Sign =>
  (text) =>
    keys.map((key) => key.line(text, later));

interface Given {
  readonly verdict?: Sign;
  readonly outcome?: Sign;
  readonly witnesses?: readonly VerifierKey[];
  readonly assurance?: Assurance;
}

function verifyPair({ verdict = by(), outcome = verdict, ...options }: Given) {
  const inputs = [cosigned(call.verdict, verdict), cosigned(call.outcome, outcome)].map((bundle, i) => ({
    name: String(i),
    bytes: utf8(bundle),
  }));
  return verifyInputs(inputs, trust, options);
}

describe('the assurance of a report', () => {
  it.each<[string, Given, Assurance]>([
    ['nobody cosigned', { witnesses: [one.key] }, 'self'],
    ['nobody was named whose word counts', { verdict: by(one, two) }, 'self'],
    ['another cosigned', { verdict: by(two), witnesses: [one.key] }, 'self'],
    ['one cosigned', { verdict: by(one), witnesses: [one.key, two.key] }, 'witnessed(1)'],
    ['both cosigned', { verdict: by(one, two), witnesses: [one.key, two.key] }, 'witnessed(2)'],
    [
      'both cosigned the verdict, one the outcome',
      { verdict: by(one, two), outcome: by(two), witnesses: [one.key, two.key] },
      'witnessed(1)',
    ],
    ['the outcome was cosigned alone', { verdict: by(), outcome: by(one), witnesses: [one.key] }, 'self'],
    ['a witness is named twice', { verdict: by(one), witnesses: [one.key, one.key] }, 'witnessed(1)'],
  ])('where %s is the weakest of its envelopes’', async (_, given, assurance) => {
    const report = await verifyPair(given);
    expect([codesOf(report), report.assurance]).toEqual([[], assurance]);
  });

  it('says who saw each envelope’s tree, and since when', async () => {
    const report = await verifyPair({
      verdict: (text) => [one.line(text, later), two.line(text, later + 5n)],
      witnesses: [one.key, two.key],
    });
    const [envelope] = report.calls[0]?.envelopes ?? [];
    expect(envelope?.log.cosigned).toEqual({
      witnesses: 2,
      names: ['witness.test/1', 'witness.test/2'],
      since: new Date(Number(later) * 1_000).toISOString(),
    });
  });

  it('is self where nothing was verified', async () => {
    const report = await verifyInputs([{ name: 'x', bytes: utf8('{}') }], trust, { witnesses: [one.key] });
    expect([report.ok, report.assurance]).toEqual([false, 'self']);
  });

  const sameName = witness('witness.test/1');
  const sameKey: TestKey = { ...one, key: { ...one.key, name: 'witness.test/alias' } };
  it('counts once who has two keys under one name, or one key under two names', async () => {
    const names = (text: string): readonly NoteSignature[] => [
      one.line(text, later),
      sameName.line(text, later),
    ];
    const witnesses = [one.key, sameName.key, sameKey.key];
    expect((await verifyPair({ verdict: names, witnesses })).assurance).toBe('witnessed(1)');
    // Which of them signed does not matter: they are one through the third.
    const third = { ...two.key, publicKey: sameName.key.publicKey };
    const chain = [one.key, sameName.key, third];
    expect((await verifyPair({ verdict: names, witnesses: chain })).assurance).toBe('witnessed(1)');
    expect((await verifyPair({ verdict: by(one, two), witnesses: [one.key, two.key] })).assurance).toBe(
      'witnessed(2)',
    );
  });

  it('does not take the log for its own witness', async () => {
    const key: VerifierKey = {
      name: 'witness.test/log',
      type: signatureTypes.cosignatureV1,
      publicKey: system.logSigner.publicKey.slice(-32),
    };
    const time = Number(later);
    const line = (text: string): NoteSignature => {
      const stamp = Buffer.alloc(8);
      stamp.writeBigUInt64BE(later);
      const signed = system.logSigner.sign(utf8(`cosignature/v1\ntime ${time}\n${text}`));
      return { name: key.name, keyId: keyIdOf(key), signature: Buffer.concat([stamp, signed]) };
    };
    const report = await verifyPair({ verdict: (text) => [line(text)], witnesses: [key] });
    expect([codesOf(report), report.assurance]).toEqual([[], 'self']);
  });
});

function keyIdOf(key: VerifierKey): Uint8Array {
  return Buffer.from(formatVkey(key).split('+')[1] ?? '', 'hex');
}

describe('an envelope is refused', () => {
  it.each<[string, Given, readonly string[]]>([
    [
      'with fewer witnesses than are demanded',
      { verdict: by(one), witnesses: [one.key, two.key], assurance: 'witnessed(2)' },
      ['ASSURANCE_TOO_LOW'],
    ],
    [
      'with no witness where one is demanded',
      { witnesses: [one.key], assurance: 'witnessed(1)' },
      ['ASSURANCE_TOO_LOW'],
    ],
    [
      'with witnesses that were not named',
      { verdict: by(one), assurance: 'witnessed(1)' },
      ['ASSURANCE_TOO_LOW'],
    ],
    [
      'with an outcome that fewer saw',
      { verdict: by(one), outcome: by(), witnesses: [one.key], assurance: 'witnessed(1)' },
      ['ASSURANCE_TOO_LOW'],
    ],
    [
      'under a demand that cannot be read',
      { verdict: by(one), witnesses: [one.key], assurance: 'all' as Assurance },
      ['ASSURANCE_TOO_LOW'],
    ],
    [
      'whose cosignature does not hold',
      { verdict: (text) => [one.line(text.replace('\n', '.\n'), later)], witnesses: [one.key] },
      ['COSIGNATURE_INVALID', 'COSIGNATURE_INVALID'],
    ],
    [
      'whose cosignatures of one witness do not all hold',
      { verdict: (text) => [one.line(text, later), one.line(`${text}x\n`, later)], witnesses: [one.key] },
      ['COSIGNATURE_INVALID', 'COSIGNATURE_INVALID'],
    ],
    [
      'that was seen in the log before it was stamped',
      { verdict: (text) => [one.line(text, later - 200n)], witnesses: [one.key] },
      ['TIME_CONTRADICTION', 'TIME_CONTRADICTION'],
    ],
  ])('%s', async (_, given, codes) => {
    expect(codesOf(await verifyPair(given))).toEqual(codes);
  });

  it('only by those who named the witness whose line does not hold', async () => {
    const broken: Sign = (text) => [one.line(`${text}x\n`, later)];
    expect(codesOf(await verifyPair({ verdict: broken, witnesses: [two.key] }))).toEqual([]);
  });

  it('not when the demand is met', async () => {
    const met: Given = { verdict: by(one, two), witnesses: [one.key, two.key], assurance: 'witnessed(2)' };
    expect((await verifyPair(met)).ok).toBe(true);
    expect((await verifyPair({ assurance: 'self' })).ok).toBe(true);
  });

  it('not when a witness saw it much later, nor within what clocks may differ', async () => {
    for (const time of [later + 86_400n * 365n, BigInt(system.now / 1_000) - 30n]) {
      const report = await verifyPair({ verdict: (text) => [one.line(text, time)], witnesses: [one.key] });
      expect([codesOf(report), report.assurance]).toEqual([[], 'witnessed(1)']);
    }
  });
});

describe('witness keys', () => {
  it('are read a vkey a line, beside comments and empty lines', () => {
    const text = `# ours\r\n${formatVkey(one.key)}\r\n\n  ${formatVkey(two.key)}  \n`;
    expect(loadWitnesses(text).map(({ name }) => name)).toEqual(['witness.test/1', 'witness.test/2']);
  });

  it.each([
    '',
    '# none\n',
    'witness',
    `${formatVkey(one.key)} ${formatVkey(two.key)}`,
    formatVkey(testKey('log').key),
  ])('are refused as CONFIG_INVALID: %s', (text) => {
    expect(() => loadWitnesses(text)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }) as Error);
  });

  it('are demanded in one spelling', () => {
    const texts = ['self', 'witnessed', 'witnessed(1)', 'witnessed(12)'];
    expect(texts.map(parseAssurance)).toEqual(['self', 'witnessed(1)', 'witnessed(1)', 'witnessed(12)']);
    const wrong = [
      '',
      'none',
      'witnessed()',
      'witnessed(0)',
      'witnessed(01)',
      'witnessed(1',
      'witnessed(-1)',
      'witnessed(100)',
      'external-time',
    ];
    expect(wrong.map(parseAssurance)).toEqual(wrong.map(() => undefined));
  });
});

describe('a stock verifier', () => {
  it('accepts a cosigned envelope', () => {
    const verifier = new Verifier(toTrustMaterial(TrustedRoot.fromJSON(system.trustedRoot)));
    const bundle = JSON.parse(cosigned(call.verdict, by(one, two))) as unknown;
    const policy = { subjectAlternativeName: '^spiffe://test.example/gate/one$' };
    expect(() => verifier.verify(toSignedEntity(bundleFromJSON(bundle)), policy)).not.toThrow();
  });
});
