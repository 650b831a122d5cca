import { beforeAll, describe, expect, it } from 'vitest';
import { utf8 } from '../../src/call/bytes.ts';
import { base64, hex, sha256 } from '../../src/call/sha256.ts';
import { assembleBundle } from '../../src/envelope/bundle.ts';
import { verdict as verdictStatement } from '../../src/envelope/statements.ts';
import { issueLeaf } from '../../src/pki/leaf.ts';
import { parseCertificate } from '../../src/pki/parse-certificate.ts';
import { generateEcdsaKey, generateEd25519Key } from '../../src/pki/signer-node.ts';
import type { SigningIdentity, SyncSigner } from '../../src/pki/signer.ts';
import { verifyEnvelope } from '../../src/verify/envelope.ts';
import { loadCompromised } from '../../src/verify/last-trusted.ts';
import type { Compromised, KeyPurpose } from '../../src/verify/last-trusted.ts';
import { loadTrust } from '../../src/verify/trust.ts';
import { verifyInputs } from '../../src/verify/verify.ts';
import { allowed } from '../envelope/facts.ts';
import { logKeyId, proveIn } from '../envelope/tiny-log.ts';
import { testTrustSystem } from '../support/trust-system.ts';
import type { Recorded, TestTrustSystem } from '../support/trust-system.ts';
import { newCallId } from './calls.ts';

/** Two logs and, of the first one, two keys: the trust root of an operator who has rotated and restored. */
const system = await testTrustSystem();
const { origin, now } = system;
const otherOrigin = 'log-2.test.example';
const nextKey = generateEd25519Key().signer;
const otherKey = generateEd25519Key().signer;

const tlog = (name: string, key: SyncSigner) => ({
  ...system.trustedRoot.tlogs[0]!,
  baseUrl: `https://${name}`,
  publicKey: { ...system.trustedRoot.tlogs[0]!.publicKey, rawBytes: base64(key.publicKey) },
  logId: { keyId: base64(logKeyId(name, key)) },
  checkpointKeyId: { keyId: base64(logKeyId(name, key)) },
});
const root = {
  ...system.trustedRoot,
  tlogs: [...system.trustedRoot.tlogs, tlog(origin, nextKey), tlog(otherOrigin, otherKey)],
};
const trust = await loadTrust(utf8(JSON.stringify(root)));

const spkis: Record<KeyPurpose, Uint8Array> = {
  ca: parseCertificate(system.keys.issuing.certificate).spki,
  timestamp: parseCertificate(system.keys.timestamp.certificate).spki,
  ct: system.ctSigner.publicKey,
  log: system.logSigner.publicKey,
};
const digestOf = (spki: Uint8Array): string => hex(sha256(spki));

interface Head {
  readonly origin: string;
  readonly treeSize: number;
  readonly rootHash: string;
}
const headAt = (size: number, leaves = system.leaves): Head => ({
  origin,
  treeSize: size,
  rootHash: hex(proveIn(leaves.slice(0, size), 0, origin, system.logSigner).rootHash),
});
const declare = (...keys: readonly (readonly [purpose: KeyPurpose, head: Head, spki?: Uint8Array])[]) => ({
  version: 1,
  keys: keys.map(([purpose, lastTrusted, spki = spkis[purpose]]) => ({
    purpose,
    sha256: digestOf(spki),
    lastTrusted,
  })),
});
const load = (declaration: object): Compromised => loadCompromised(utf8(JSON.stringify(declaration)), trust);

/** Recorded while every key was its owner's alone. */
let before: Recorded;
/** Recorded afterwards, by whoever holds the keys. */
let later: Recorded;
let head: Head;

const record = (
  target: TestTrustSystem = system,
  identity?: SigningIdentity,
  time = now,
): Promise<Recorded> => {
  const callId = newCallId();
  const statement = verdictStatement({
    ...allowed,
    call: { ...allowed.call, id: callId },
    decidedAt: time,
    notAfter: time + 60_000,
  });
  return target.record('allow', statement, { time, ...(identity && { identity }) });
};

beforeAll(async () => {
  before = await record();
  head = headAt(system.leaves.length);
  later = await record();
});

interface Shown {
  readonly size?: number;
  readonly leaves?: readonly Uint8Array[];
  readonly signer?: SyncSigner;
  readonly name?: string;
}
/** The envelope of an entry under any head that whoever holds `signer` likes to sign. */
function bundle({ signed, index }: Recorded, shown: Shown = {}): string {
  const { leaves = system.leaves, signer = system.logSigner, name = origin } = shown;
  const tree = leaves.slice(0, shown.size ?? leaves.length);
  return assembleBundle({
    signed,
    issuer: system.keys.issuing.certificate,
    proof: proveIn(tree, index, name, signer),
    logKeyId: logKeyId(name, signer),
  });
}

async function codes(envelope: string, declaration?: object): Promise<readonly string[]> {
  const compromised = declaration && load(declaration);
  const result = await verifyEnvelope(utf8(envelope), trust, { ...(compromised && { compromised }) });
  return result.ok ? [] : result.failures.map(({ code }) => code);
}
const refused = ['KEY_COMPROMISED'];

describe('an envelope in which a compromised authority had a part', () => {
  it.each(['ca', 'timestamp', 'ct'] as const)(
    'counts when the last trusted head of the %s key has it, and not behind it',
    async (purpose) => {
      const declaration = declare([purpose, head]);
      expect(await codes(bundle(before))).toEqual([]);
      expect(await codes(bundle(before), declaration)).toEqual([]);
      expect(await codes(bundle(before, { size: head.treeSize }), declaration)).toEqual([]);
      expect(await codes(bundle(later))).toEqual([]);
      expect(await codes(bundle(later), declaration)).toEqual(refused);
    },
  );

  it('is looked for in the whole chain: the root that certified the authority, too', async () => {
    const roots = [
      ['ca', parseCertificate(system.keys.root.certificate).spki],
      ['timestamp', parseCertificate(system.keys.timestampRoot.certificate).spki],
    ] as const;
    for (const [purpose, spki] of roots) {
      const declaration = declare([purpose, head, spki]);
      expect(await codes(bundle(before), declaration)).toEqual([]);
      expect(await codes(bundle(later), declaration)).toEqual(refused);
    }
  });

  it('does not become older by what its holder writes: certificate, SCT and timestamp of long ago', async () => {
    const lastYear = now - 30 * 60_000;
    const { signer } = generateEcdsaKey();
    const certificate = await issueLeaf({
      caSigner: system.caSigner,
      caCertificate: system.keys.issuing.certificate,
      ctSigner: system.ctSigner,
      spiffeUri: 'spiffe://test.example/gate/one',
      issuerUrl: 'https://ca.test.example',
      publicKey: signer.publicKey,
      notBefore: lastYear - 60_000,
      notAfter: now,
      now: lastYear - 60_000,
    });
    const identity = {
      signer,
      certificate,
      issuer: system.keys.issuing.certificate,
      notBefore: lastYear - 60_000,
      notAfter: now,
    };
    const forged = await record(system, identity, lastYear);
    expect(await codes(bundle(forged))).toEqual([]);
    expect(await codes(bundle(forged), declare(['ca', head], ['timestamp', head], ['ct', head]))).toEqual([
      'KEY_COMPROMISED',
      'KEY_COMPROMISED',
      'KEY_COMPROMISED',
    ]);
  });

  it('is not excused by a low index in another log', async () => {
    const signer = otherKey;
    const leaves = [later.signed.leaf];
    const elsewhere = bundle({ ...later, index: 0 }, { leaves, signer, name: otherOrigin });
    expect(await codes(elsewhere)).toEqual([]);
    expect(await codes(elsewhere, declare(['ca', head]))).toEqual(refused);
    // Unless the operator says how far that one is to be trusted.
    const rootHash = hex(proveIn(leaves, 0, otherOrigin, signer).rootHash);
    const there = { origin: otherOrigin, treeSize: 1, rootHash };
    expect(await codes(elsewhere, declare(['ca', head], ['ca', there]))).toEqual([]);
  });

  it('counts up to the shortest head, where two keys of its chain are compromised', async () => {
    const rootSpki = parseCertificate(system.keys.root.certificate).spki;
    const whole = headAt(system.leaves.length);
    expect(await codes(bundle(later), declare(['ca', whole]))).toEqual([]);
    expect(await codes(bundle(later), declare(['ca', whole], ['ca', head, rootSpki]))).toEqual(refused);
  });

  it('never counts where nothing was ever trusted', async () => {
    const never = { origin, treeSize: 0, rootHash: hex(sha256(new Uint8Array())) };
    expect(await codes(bundle(before), declare(['ca', never]))).toEqual(refused);
  });
});

describe('an envelope whose checkpoint a compromised log key signed', () => {
  it('counts under exactly the last trusted head', async () => {
    const declaration = declare(['log', head]);
    expect(await codes(bundle(before, { size: head.treeSize }), declaration)).toEqual([]);
    expect(await codes(bundle(before), declaration)).toEqual(refused);
    expect(await codes(bundle(later), declaration)).toEqual(refused);
  });

  it('does not count under a smaller tree, which the thief can sign as well', async () => {
    const size = before.index + 1;
    const shorter = headAt(size - 1);
    const forked = [...system.leaves.slice(0, size - 2), before.signed.leaf];
    const forged = bundle({ ...before, index: size - 2 }, { leaves: forked });
    expect(await codes(forged)).toEqual([]);
    expect(await codes(forged, declare(['log', head]))).toEqual(refused);
    expect(await codes(bundle(before, { size }), declare(['log', shorter]))).toEqual(refused);
  });

  it('does not count under another tree of the very size', async () => {
    const leaves = system.leaves.slice(0, head.treeSize);
    const forged = leaves.with(0, later.signed.leaf);
    const shown = bundle({ ...later, index: 0 }, { leaves: forged });
    expect(await codes(shown)).toEqual([]);
    expect(await codes(shown, declare(['log', head]))).toEqual(refused);
  });

  it('counts under a newer key of the same log, and says where to get such a proof', async () => {
    const declaration = declare(['log', head]);
    expect(await codes(bundle(before, { signer: nextKey }), declaration)).toEqual([]);
    const result = await verifyEnvelope(utf8(bundle(before)), trust, { compromised: load(declaration) });
    const [failure] = result.ok ? [] : result.failures;
    expect(failure?.field).toBe('verificationMaterial.tlogEntries[0].inclusionProof.checkpoint');
    expect(failure?.message).toContain('countersign log show');
  });

  it('with every key stolen shows nothing but what the last trusted head has', async () => {
    const all = declare(['ca', head], ['timestamp', head], ['ct', head], ['log', head]);
    expect(await codes(bundle(before, { size: head.treeSize }), all)).toEqual([]);
    // A whole history of the thief's own, in which the forged entry stands first.
    const leaves = [later.signed.leaf, ...system.leaves.slice(1, head.treeSize)];
    expect(await codes(bundle({ ...later, index: 0 }, { leaves }), all)).toEqual(refused);
    expect(await codes(bundle(later), all)).toEqual([...refused, ...refused, ...refused, ...refused]);
  });

  it('under the key of another log is as good as it was', async () => {
    const leaves = [before.signed.leaf];
    const elsewhere = bundle({ ...before, index: 0 }, { leaves, signer: otherKey, name: otherOrigin });
    expect(await codes(elsewhere, declare(['log', head]))).toEqual([]);
  });
});

describe('a declaration', () => {
  it('is named in the report by its digest, whatever its layout', async () => {
    const declaration = declare(['log', head]);
    const pretty = loadCompromised(utf8(JSON.stringify(declaration, null, 2)), trust);
    expect(pretty.fingerprint).toBe(load(declaration).fingerprint);
    const input = [{ name: 'input', bytes: utf8(bundle(before, { size: head.treeSize })) }];
    const report = await verifyInputs(input, trust, { compromised: pretty });
    expect(report).toMatchObject({ ok: true, compromised: pretty.fingerprint });
    expect(await verifyInputs(input, trust)).not.toHaveProperty('compromised');
  });

  it.each<[string, (declaration: ReturnType<typeof declare>) => object]>([
    ['another version', (declaration) => ({ ...declaration, version: 2 })],
    ['no key', (declaration) => ({ ...declaration, keys: [] })],
    ['an unknown field', (declaration) => ({ ...declaration, since: '2026-01-01' })],
    [
      'a date in place of a head',
      ({ keys: [key] }) => ({ version: 1, keys: [{ ...key, lastTrusted: '2026-01-01T00:00:00Z' }] }),
    ],
    ['an unknown purpose', ({ keys: [key] }) => ({ version: 1, keys: [{ ...key, purpose: 'root' }] })],
    ['the purpose of another key', ({ keys: [key] }) => ({ version: 1, keys: [{ ...key, purpose: 'ca' }] })],
    [
      'a key that the trust root lacks',
      ({ keys: [key] }) => ({ version: 1, keys: [{ ...key, sha256: '00'.repeat(32) }] }),
    ],
    [
      'a log that the trust root lacks',
      ({ keys: [key] }) => ({
        version: 1,
        keys: [{ ...key, lastTrusted: { ...head, origin: 'log.example' } }],
      }),
    ],
    [
      'a log key with a head of another log',
      ({ keys: [key] }) => ({
        version: 1,
        keys: [{ ...key, lastTrusted: { ...head, origin: otherOrigin } }],
      }),
    ],
    [
      'a size below nothing',
      ({ keys: [key] }) => ({ version: 1, keys: [{ ...key, lastTrusted: { ...head, treeSize: -1 } }] }),
    ],
    [
      'a size in quotes',
      ({ keys: [key] }) => ({ version: 1, keys: [{ ...key, lastTrusted: { ...head, treeSize: '4' } }] }),
    ],
    [
      'half a root',
      ({ keys: [key] }) => ({ version: 1, keys: [{ ...key, lastTrusted: { ...head, rootHash: 'ab' } }] }),
    ],
    [
      'two heads for one key',
      ({ keys: [key] }) => ({ version: 1, keys: [key, { ...key, lastTrusted: headAt(1) }] }),
    ],
  ])('with %s is refused', (_, change) => {
    const declaration = change(declare(['log', head]));
    expect(() => load(declaration)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });

  it('that two parsers could read differently is refused', () => {
    const text = JSON.stringify(declare(['log', head])).replace('"version":1', '"version":1,"version":1');
    expect(() => loadCompromised(utf8(text), trust)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });
});
