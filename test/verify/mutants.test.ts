import { bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/call/bytes.ts';
import { verifyEnvelope } from '../../src/verify/envelope.ts';
import { loadTrust } from '../../src/verify/trust.ts';
import { testTrustSystem } from '../support/trust-system.ts';
import { allowedCall } from './calls.ts';

/**
 * The attacker's first tools: one changed byte, and parts of two genuine envelopes put together. Every run draws
 * others; a failure prints its seed.
 */

const system = await testTrustSystem();
const trust = await loadTrust(system.trustedRootBytes);
const stock = stockVerifier(system.trustedRootBytes);
const second = await system.issue({ gate: 'two' });
const ours = await allowedCall(system);
const theirs = await allowedCall(system);
const verdict = utf8(ours.verdict);
const outcome = utf8(system.bundle(theirs.outcomeRecord, { version: '0.3' }));

const vectorFile = (name: string): Uint8Array =>
  readFileSync(new URL(`../vectors/envelope/${name}`, import.meta.url));
const vector = vectorFile('bundle03.json');
const vectorTrust = await loadTrust(vectorFile('trusted_root.json'));

function stockVerifier(trustedRoot: Uint8Array): (bundle: Uint8Array) => boolean {
  const json: unknown = JSON.parse(Buffer.from(trustedRoot).toString());
  const verifier = new Verifier(toTrustMaterial(TrustedRoot.fromJSON(json)));
  return (bundle) => {
    try {
      verifier.verify(toSignedEntity(bundleFromJSON(JSON.parse(Buffer.from(bundle).toString()))));
      return true;
    } catch {
      return false;
    }
  };
}

const accepts = async (bundle: Uint8Array): Promise<boolean> => (await verifyEnvelope(bundle, trust)).ok;

describe('before anything is changed', () => {
  it.each([verdict, outcome])('we and sigstore-js accept the envelope', async (bundle) => {
    expect(await accepts(bundle)).toBe(true);
    expect(stock(bundle)).toBe(true);
  });
});

describe('no envelope with one byte changed verifies', () => {
  /** A byte at `at` (scaled to the length) becomes another one. */
  const changed = (bundle: Uint8Array, at: number, xor: number): Uint8Array => {
    const copy = Uint8Array.from(bundle);
    const index = Math.floor(at * copy.length);
    copy[index] = (copy[index] ?? 0) ^ xor;
    return copy;
  };
  const places = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

  it.each([
    ['of ours, any byte to any other', verdict, fc.integer({ min: 1, max: 255 })],
    ['of ours, one bit', outcome, fc.constantFrom(1, 2, 4, 8, 16, 32, 64, 128)],
  ])('%s', async (_, bundle, changes) => {
    await fc.assert(
      fc.asyncProperty(places, changes, async (at, xor) => {
        expect(await accepts(changed(bundle, at, xor))).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it('of the known-good one, but in the line of a witness that the trust root does not name', async () => {
    const text = Buffer.from(vector).toString('latin1');
    const line = { start: text.indexOf('witness.example.net'), end: text.indexOf('"}},"canonicalizedBody"') };
    await fc.assert(
      fc.asyncProperty(places, fc.integer({ min: 1, max: 255 }), async (at, xor) => {
        const index = Math.floor(at * vector.length);
        fc.pre(index < line.start || index >= line.end);
        const result = await verifyEnvelope(changed(vector, at, xor), vectorTrust);
        expect(result.ok).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  it('inside the binary parts either: certificate, signature, token, leaf, hashes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...binaryParts),
        places,
        fc.integer({ min: 1, max: 255 }),
        async (path, at, xor) => {
          const bundle = JSON.parse(ours.verdict) as Tree;
          const bytes = new Uint8Array(Buffer.from(textAt(bundle, path), 'base64'));
          setAt(bundle, path, Buffer.from(changed(bytes, at, xor)).toString('base64'));
          expect(await accepts(utf8(JSON.stringify(bundle)))).toBe(false);
        },
      ),
      { numRuns: 400 },
    );
  });
});

type Tree = { [key: string]: Tree | string } | (Tree | string)[];

const entry = ['verificationMaterial', 'tlogEntries', '0'];
const token = [
  'verificationMaterial',
  'timestampVerificationData',
  'rfc3161Timestamps',
  '0',
  'signedTimestamp',
];
const chain = ['verificationMaterial', 'x509CertificateChain', 'certificates'];
const binaryParts = [
  [...chain, '0', 'rawBytes'],
  [...chain, '1', 'rawBytes'],
  [...entry, 'logId', 'keyId'],
  [...entry, 'inclusionProof', 'rootHash'],
  [...entry, 'inclusionProof', 'hashes', '0'],
  [...entry, 'canonicalizedBody'],
  token,
  ['dsseEnvelope', 'payload'],
  ['dsseEnvelope', 'signatures', '0', 'sig'],
];

function step(tree: Tree | string | undefined, key: string): Tree | string | undefined {
  return typeof tree === 'object' ? (tree as Record<string, Tree | string>)[key] : undefined;
}

function valueAt(tree: Tree, path: readonly string[]): Tree | string | undefined {
  return path.reduce<Tree | string | undefined>(step, tree);
}

/** The string at `path`; empty where there is something else. */
function textAt(tree: Tree, path: readonly string[]): string {
  const value = valueAt(tree, path);
  return typeof value === 'string' ? value : '';
}

function setAt(tree: Tree, path: readonly string[], value: Tree | string): void {
  const holder = valueAt(tree, path.slice(0, -1)) as Record<string, Tree | string>;
  holder[path.at(-1) ?? ''] = value;
}

function pathsOf(tree: Tree | string, path: readonly string[] = []): (readonly string[])[] {
  const below =
    typeof tree === 'string'
      ? []
      : Object.entries(tree).flatMap(([key, value]) => pathsOf(value, [...path, key]));
  return path.length === 0 ? below : [path, ...below];
}

describe('no envelope put together from two verifies', () => {
  it('whichever part of one stands in the other', async () => {
    const renewed = await system.record(
      'outcome',
      JSON.parse(Buffer.from(theirs.outcomeRecord.signed.payload).toString()),
      {
        identity: second,
      },
    );
    const size = system.leaves.length;
    const pool = [ours.verdictRecord, ours.outcomeRecord, theirs.verdictRecord, renewed].map(
      (record) => JSON.parse(system.bundle(record, { size })) as Tree,
    );
    const swaps = pool.flatMap((into) =>
      pool
        .filter((from) => from !== into)
        .flatMap((from) => pathsOf(into).map((path) => ({ into, from, path }))),
    );
    const wrong: string[] = [];
    let seen = 0;
    for (const { into, from, path } of swaps) {
      const part = valueAt(from, path);
      if (part === undefined || JSON.stringify(part) === JSON.stringify(valueAt(into, path))) continue;
      // A genuine checkpoint of the same tree, or the chain of the same gate, would be the same part.
      const mixed = structuredClone(into);
      setAt(mixed, path, structuredClone(part));
      seen++;
      const bytes = utf8(JSON.stringify(mixed));
      if (pool.some((genuine) => JSON.stringify(genuine) === JSON.stringify(mixed))) continue;
      if (await accepts(bytes)) wrong.push(path.join('.'));
    }
    expect(wrong).toEqual([]);
    expect(seen).toBeGreaterThan(100);
  });
});

describe('no envelope with a part removed, doubled or added verifies', () => {
  it('whichever part it is', async () => {
    const wrong: string[] = [];
    const attempt = async (
      what: string,
      path: readonly string[],
      change: (bundle: Tree) => void,
    ): Promise<void> => {
      const bundle = JSON.parse(ours.verdict) as Tree;
      change(bundle);
      if (await accepts(utf8(JSON.stringify(bundle)))) wrong.push(`${what} ${path.join('.')}`);
    };
    for (const path of pathsOf(JSON.parse(ours.verdict) as Tree)) {
      const [holder, key] = [path.slice(0, -1), path.at(-1) ?? ''];
      await attempt('removed', path, (bundle) => {
        const parent = valueAt(bundle, holder);
        if (Array.isArray(parent)) parent.splice(Number(key), 1);
        else if (typeof parent === 'object') Reflect.deleteProperty(parent, key);
      });
      await attempt('doubled', path, (bundle) => {
        const parent = valueAt(bundle, holder);
        const part = valueAt(bundle, path);
        if (Array.isArray(parent) && part !== undefined) parent.push(structuredClone(part));
        else setAt(bundle, [...holder, `${key}2`], 'x');
      });
      await attempt('nulled', path, (bundle) => setAt(bundle, path, null as unknown as string));
      await attempt('emptied', path, (bundle) =>
        setAt(bundle, path, typeof valueAt(bundle, path) === 'string' ? '' : {}),
      );
    }
    expect(wrong).toEqual([]);
  });

  it.each([
    ['a duplicate key', ours.verdict.replace('"dsseEnvelope":', '"dsseEnvelope":{},"dsseEnvelope":')],
    ['a key in another case', ours.verdict.replace('"payload":', '"Payload":"","payload":')],
    ['a key id', ours.verdict.replace('"sig":', '"keyid":"","sig":')],
    ['base64 for URLs', ours.verdict.replaceAll('+', '-').replaceAll('/', '_')],
    ['base64 without padding', ours.verdict.replace('=="', '"')],
    ['a count as a number', ours.verdict.replace(/"treeSize":"(\d+)"/, '"treeSize":$1')],
    ['a count with a leading zero', ours.verdict.replace(/"logIndex":"/g, '"logIndex":"0')],
    ['a media type of another version', ours.verdict.replace('version=0.2', 'version=0.1')],
    ['text after it', `${ours.verdict}{}`],
    ['more than a bundle may have', `${ours.verdict}${' '.repeat(1024 * 1024)}`],
    ['an integrated time', ours.verdict.replace('"integratedTime":"0"', '"integratedTime":"1"')],
    ['another kind of entry', ours.verdict.replace('"hashedrekord"', '"dsse"')],
    ['another payload type', ours.verdict.replace('application/vnd.in-toto+json', 'application/json')],
  ])('%s', async (_, text) => {
    expect(text).not.toBe(ours.verdict);
    expect(await accepts(utf8(text))).toBe(false);
  });
});

describe('whatever sigstore-js refuses, we refuse', () => {
  it('also of envelopes whose values are other well-formed ones', async () => {
    const paths = pathsOf(JSON.parse(ours.verdict) as Tree).filter(
      (path) => typeof valueAt(JSON.parse(ours.verdict) as Tree, path) === 'string',
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...paths),
        fc.oneof(
          fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes).toString('base64')),
          fc.nat({ max: 20 }).map(String),
          fc.constantFrom(...paths.map((path) => textAt(JSON.parse(ours.outcome) as Tree, path))),
        ),
        async (path, value) => {
          const bundle = JSON.parse(ours.verdict) as Tree;
          setAt(bundle, path, value);
          const bytes = utf8(JSON.stringify(bundle));
          if (await accepts(bytes)) expect(stock(bytes)).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });
});
