import { createHash, generateKeyPairSync } from 'node:crypto';
import { Point } from '@noble/ed25519';
import { utf8 } from '../../../src/call/bytes.ts';
import { verdict as verdictStatement } from '../../../src/envelope/statements.ts';
import { assembleBundle } from '../../../src/envelope/bundle.ts';
import type { SyncSigner } from '../../../src/pki/signer.ts';
import { denied } from '../../envelope/facts.ts';
import { logKeyId, proveIn } from '../../envelope/tiny-log.ts';
import type { TestTrustSystem } from '../../support/trust-system.ts';
import { base64, verifierCase } from './case.ts';
import type { SignatureCase, VerifierCase } from './subject.ts';

/**
 * Keys and signatures at which implementations of Ed25519 and ECDSA part: every runtime brings its own. Only the holder of
 * a log's key can make most of these, and must not be able to show one envelope as good to some and as bad to others.
 */

const ed25519Prefix = Buffer.from('302a300506032b6570032100', 'hex');
const order = 2n ** 252n + 27742317777372353535851937790883648493n;

/** All encodings of points whose order divides the cofactor: eight, and six that are not reduced. */
const smallOrder = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000080',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  '0100000000000000000000000000000000000000000000000000000000000080',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
].map((hex) => Buffer.from(hex, 'hex'));

const torsion = Point.fromHex(smallOrder[6]!.toString('hex'));

/** A log key that is not as the RFC makes them: how it encodes its point, and how it signs. */
interface OddKey {
  readonly title: string;
  readonly publicKey: Uint8Array;
  readonly sign: (message: Uint8Array) => Uint8Array;
}

function oddKeys(): OddKey[] {
  const secret = 0x1234567890abcdef1234567890abcdefn;
  const honest = Point.BASE.multiply(secret);
  const mixed = honest.add(torsion);
  const plain = (n: bigint): Uint8Array => Point.BASE.multiply(n).toBytes();
  const signing =
    (publicKey: Uint8Array, nonce: (n: bigint) => Uint8Array, a: bigint, wanted = (_: bigint) => true) =>
    (message: Uint8Array): Uint8Array => {
      for (let n = 7n; ; n++) {
        const r = nonce(n);
        const h = challenge(r, publicKey, message);
        if (wanted(h)) return Buffer.concat([r, littleEndian((n + h * a) % order)]);
      }
    };
  const honestKey = honest.toBytes();
  const ofEight = (h: bigint): boolean => h % 8n === 0n;
  return [
    { title: 'as the RFC says', publicKey: honestKey, sign: signing(honestKey, plain, secret) },
    {
      title: 'with S that is not reduced',
      publicKey: honestKey,
      sign: (message) => {
        const signature = signing(honestKey, plain, secret)(message);
        const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`);
        return Buffer.concat([signature.subarray(0, 32), littleEndian(s + order)]);
      },
    },
    {
      title: 'with R of the wrong sign',
      publicKey: honestKey,
      sign: (message) => {
        const signature = Buffer.from(signing(honestKey, plain, secret)(message));
        signature[31] = (signature[31] ?? 0) ^ 0x80;
        return signature;
      },
    },
    {
      title: 'with a part of small order in R',
      publicKey: honestKey,
      sign: signing(honestKey, (n) => Point.BASE.multiply(n).add(torsion).toBytes(), secret),
    },
    {
      title: 'with a part of small order in the key, which the equation needs',
      publicKey: mixed.toBytes(),
      sign: signing(mixed.toBytes(), plain, secret, (h) => !ofEight(h)),
    },
    {
      title: 'with a part of small order in the key, which the equation loses',
      publicKey: mixed.toBytes(),
      sign: signing(mixed.toBytes(), plain, secret, ofEight),
    },
    ...smallOrder.flatMap((point, at): OddKey[] => [
      {
        title: `with small order ${at} for the key`,
        publicKey: point,
        sign: signing(point, plain, 0n, ofEight),
      },
      {
        title: `with small order ${at} for R`,
        publicKey: honestKey,
        sign: (message) =>
          Buffer.concat([point, littleEndian((challenge(point, honestKey, message) * secret) % order)]),
      },
      {
        title: `with small order ${at} for both`,
        publicKey: point,
        sign: () => Buffer.concat([point, littleEndian(0n)]),
      },
    ]),
    {
      title: 'with a key that is no point',
      publicKey: Buffer.from('0200000000000000000000000000000000000000000000000000000000000000', 'hex'),
      sign: signing(honestKey, plain, secret),
    },
  ];
}

/** Envelopes in logs of such keys, each with a trust root that names the key. */
export async function logKeyCases(system: TestTrustSystem): Promise<VerifierCase[]> {
  const recorded = await system.record('deny', verdictStatement({ ...denied, decidedAt: system.now }));
  return oddKeys().map(({ title, publicKey, sign }) => {
    const signer: SyncSigner = {
      algorithm: 'ed25519',
      publicKey: Buffer.concat([ed25519Prefix, publicKey]),
      sign,
    };
    const keyId = logKeyId(system.origin, signer);
    const bundle = assembleBundle({
      signed: recorded.signed,
      issuer: system.keys.issuing.certificate,
      proof: proveIn(system.leaves, recorded.index, system.origin, signer),
      logKeyId: keyId,
    });
    return verifierCase(`a checkpoint ${title}`, withLog(system, signer.publicKey, keyId), bundle);
  });
}

function withLog(system: TestTrustSystem, spki: Uint8Array, keyId: Uint8Array): string {
  const root = JSON.parse(Buffer.from(system.trustedRootBytes).toString());
  const [log] = root.tlogs;
  log.publicKey.rawBytes = base64(spki);
  log.logId = log.checkpointKeyId = { keyId: base64(keyId) };
  return JSON.stringify(root);
}

/** The same signatures by themselves, over a message of their own. */
export function ed25519Cases(): SignatureCase[] {
  const message = utf8('a message');
  return oddKeys().map(({ title, publicKey, sign }) => ({
    title: `Ed25519 ${title}`,
    algorithm: 'ed25519',
    spki: base64(Buffer.concat([ed25519Prefix, publicKey])),
    message: base64(message),
    signature: base64(sign(message)),
  }));
}

/** A gate whose signatures are valid and not the ones that its signer would have made. */
export async function gateKeyCases(system: TestTrustSystem): Promise<VerifierCase[]> {
  const cases: VerifierCase[] = [];
  for (const [title, change] of Object.entries(ecdsaChanges)) {
    const identity = await system.issue({ gate: 'odd' });
    const signer: SyncSigner = {
      algorithm: identity.signer.algorithm,
      publicKey: identity.signer.publicKey,
      sign: (data) => change(identity.signer.sign(data) as Uint8Array),
    };
    const statement = verdictStatement({ ...denied, decidedAt: system.now });
    const recorded = await system.record('deny', statement, { identity: { ...identity, signer } });
    cases.push(verifierCase(`a statement signed ${title}`, system.trustedRootBytes, system.bundle(recorded)));
  }
  return cases;
}

const p256Order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** What can be done to a DER signature: r and s go in as numbers. */
const ecdsaChanges: Readonly<Record<string, (der: Uint8Array) => Uint8Array>> = {
  'as the RFC says': (der) => der,
  'with the other s': (der) => numbers(der, (r, s) => [r, p256Order - s]),
  'with s plus the order': (der) => numbers(der, (r, s) => [r, s + p256Order]),
  'with s of zero': (der) => numbers(der, (r) => [r, 0n]),
  'with r of zero': (der) => numbers(der, (_, s) => [0n, s]),
  'with r and s of one': (der) => numbers(der, () => [1n, 1n]),
  'with r of the order': (der) => numbers(der, (_, s) => [p256Order, s]),
  'in r ‖ s': (der) => raw(der),
  'with a byte behind it': (der) => Uint8Array.of(...der, 0),
  'with a long length': (der) => Uint8Array.of(0x30, 0x81, ...der.subarray(1)),
};

/** P-256 keys at the edges of what is one. */
export function p256Cases(): SignatureCase[] {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const [head, point] = [spki.subarray(0, -64), spki.subarray(-64)];
  const prime = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;
  const keys: Readonly<Record<string, Uint8Array>> = {
    'a point of the curve': spki,
    'a point beside the curve': Buffer.concat([
      head,
      point.subarray(0, 63),
      Uint8Array.of((point[63] ?? 0) ^ 1),
    ]),
    zero: Buffer.concat([head, new Uint8Array(64)]),
    'the point at infinity': Buffer.concat([head.subarray(0, -1), Uint8Array.of(0)]),
    'a coordinate that is not reduced': Buffer.concat([head, bigEndian(prime), point.subarray(32)]),
    'a point in its short form': Buffer.concat([
      head.subarray(0, -1),
      Uint8Array.of(2 + ((point[63] ?? 0) & 1)),
      point.subarray(0, 32),
    ]),
    'a point in its hybrid form': Buffer.concat([
      head.subarray(0, -1),
      Uint8Array.of(6 + ((point[63] ?? 0) & 1)),
      point,
    ]),
  };
  return Object.entries(keys).map(([title, key]) => ({
    title: `P-256 with ${title}`,
    algorithm: 'p256',
    spki: base64(key),
    message: base64('a message'),
    signature: base64(der(1n, 1n)),
  }));
}

function challenge(r: Uint8Array, publicKey: Uint8Array, message: Uint8Array): bigint {
  const digest = createHash('sha512').update(r).update(publicKey).update(message).digest();
  return BigInt(`0x${digest.reverse().toString('hex')}`) % order;
}

function littleEndian(value: bigint): Uint8Array {
  return bigEndian(value).reverse();
}

function bigEndian(value: bigint): Uint8Array {
  return Uint8Array.from(Buffer.from(value.toString(16).padStart(64, '0'), 'hex'));
}

function raw(signature: Uint8Array): Uint8Array {
  const rLength = signature[3] ?? 0;
  const parts = [signature.subarray(4, 4 + rLength), signature.subarray(6 + rLength)];
  return Buffer.concat(parts.map((part) => bigEndian(BigInt(`0x${Buffer.from(part).toString('hex')}`))));
}

function numbers(signature: Uint8Array, change: (r: bigint, s: bigint) => [bigint, bigint]): Uint8Array {
  const both = Buffer.from(raw(signature)).toString('hex');
  return der(...change(BigInt(`0x${both.slice(0, 64)}`), BigInt(`0x${both.slice(64)}`)));
}

function der(r: bigint, s: bigint): Uint8Array {
  const content = Buffer.concat([r, s].map(derInteger));
  return Buffer.concat([Uint8Array.of(0x30, content.length), content]);
}

function derInteger(value: bigint): Uint8Array {
  const digits = value.toString(16);
  const bytes = Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex');
  const padded = (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Uint8Array.of(0), bytes]) : bytes;
  return Buffer.concat([Uint8Array.of(0x02, padded.length), padded]);
}
