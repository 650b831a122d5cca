import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkpointSigner,
  formatCheckpoint,
  openCheckpoint,
  parseCheckpoint,
} from '../../src/tlog/checkpoint.ts';
import { emptyRoot, leafHash, verifyInclusion } from '../../src/tlog/merkle.ts';
import { formatNote } from '../../src/tlog/note.ts';
import { formatTlogProof, parseTlogProof } from '../../src/tlog/tlog-proof.ts';
import { parseVkey, signatureTypes } from '../../src/tlog/vkey.ts';
import { testLeafHash } from './reference.ts';
import { testKey } from './test-keys.ts';

function read(path: string): string {
  return readFileSync(new URL(`../vectors/${path}`, import.meta.url), 'utf8');
}

const origin = 'log.example.org';
const root = testLeafHash(1);
const rootText = Buffer.from(root).toString('base64');
const internal = expect.objectContaining({ code: 'INTERNAL' }) as unknown as Error;

describe('a checkpoint', () => {
  it('that stock verifiers accept is opened by its log key', () => {
    const key = parseVkey(read('envelope/log.vkey').trim());
    if (key === undefined) throw new Error('no key');
    const opened = openCheckpoint(read('envelope/checkpoint'), key);
    expect([opened?.origin, opened?.size, opened?.extensions]).toEqual([origin, 1000, []]);
    expect(opened?.note.signatures).toHaveLength(2);
    expect(openCheckpoint(read('envelope/checkpoint').replace('\n1000\n', '\n1001\n'), key)).toBeUndefined();
    expect(openCheckpoint(read('envelope/checkpoint'), { ...key, name: 'log.example.com' })).toBeUndefined();
  });

  it('signed here opens under its key, and under no other', () => {
    const { signer, key } = testKey(origin);
    const body = formatCheckpoint({ origin, size: 7, root });
    expect(body).toBe(`${origin}\n7\n${rootText}\n`);
    const text = checkpointSigner(origin, signer)({ size: 7, root });
    const opened = openCheckpoint(text, key);
    expect(opened).toMatchObject({ origin, size: 7, root, extensions: [] });
    expect(parseCheckpoint(text)).toEqual(opened);
    expect(openCheckpoint(text, testKey(origin).key)).toBeUndefined();
  });

  it('of another origin is not opened by a key, though the key signed it', () => {
    const log = testKey(origin);
    const body = formatCheckpoint({ origin: 'other.example.org', size: 7, root });
    const text = formatNote({ text: body, signatures: [log.line(body)] });
    expect(parseCheckpoint(text)?.origin).toBe('other.example.org');
    expect(openCheckpoint(text, log.key)).toBeUndefined();
  });

  it('is not opened by a witness key alone: a witness is not the log', () => {
    const witness = testKey(origin, signatureTypes.cosignatureV1);
    const body = formatCheckpoint({ origin, size: 7, root });
    expect(
      openCheckpoint(formatNote({ text: body, signatures: [witness.line(body)] }), witness.key),
    ).toBeUndefined();
  });

  it('reads back as what it was written from', () => {
    const log = testKey(origin);
    const lines = fc.array(fc.stringMatching(/^[ -~]{1,30}$/), { maxLength: 3 });
    fc.assert(
      fc.property(fc.maxSafeNat(), lines, (size, extensions) => {
        const checkpoint = { origin, size, root: size === 0 ? emptyRoot : root, extensions };
        const body = formatCheckpoint(checkpoint);
        const text = formatNote({ text: body, signatures: [log.line(body)] });
        expect(openCheckpoint(text, log.key)).toMatchObject(checkpoint);
      }),
      { numRuns: 20 },
    );
  });

  const line = '\u2014 a AAAAAAA=\n';

  it.each([
    ['no origin', `\n7\n${rootText}\n`],
    ['no size', `${origin}\n${rootText}\n`],
    ['no root', `${origin}\n7\n`],
    ['a leading zero', `${origin}\n07\n${rootText}\n`],
    ['a sign', `${origin}\n+7\n${rootText}\n`],
    ['a negative size', `${origin}\n-7\n${rootText}\n`],
    ['a size in hexadecimal', `${origin}\n0x7\n${rootText}\n`],
    ['a size with an exponent', `${origin}\n7e1\n${rootText}\n`],
    ['a fraction', `${origin}\n7.0\n${rootText}\n`],
    ['a space', `${origin}\n 7\n${rootText}\n`],
    ['digits of another script', `${origin}\n٧\n${rootText}\n`],
    ['a size past 2^53', `${origin}\n9007199254740992\n${rootText}\n`],
    ['a size that would wrap in 64 bits', `${origin}\n18446744073709551617\n${rootText}\n`],
    ['a short root', `${origin}\n7\n${Buffer.alloc(31).toString('base64')}\n`],
    ['a long root', `${origin}\n7\n${Buffer.alloc(33).toString('base64')}\n`],
    ['a root with unused bits set', `${origin}\n7\n${rootText.replace(/.=$/, '/=')}\n`],
    ['an empty tree of another root', `${origin}\n0\n${rootText}\n`],
    ['an empty extension line', `${origin}\n7\n${rootText}\n\nx\n`],
    ['too many extension lines', `${origin}\n7\n${rootText}\n${'x\n'.repeat(17)}`],
  ])('with %s is refused', (_, body) => {
    expect(parseCheckpoint(`${body}\n${line}`)).toBeUndefined();
    const log = testKey(origin);
    expect(openCheckpoint(formatNote({ text: body, signatures: [log.line(body)] }), log.key)).toBeUndefined();
  });

  it('is not written of parts that would not read back', () => {
    for (const size of [-1, 0.5, NaN, 2 ** 53])
      expect(() => formatCheckpoint({ origin, size, root })).toThrow(internal);
    expect(() => formatCheckpoint({ origin: '', size: 1, root })).toThrow(internal);
    expect(() => formatCheckpoint({ origin: 'a\nb', size: 1, root })).toThrow(internal);
    expect(() => formatCheckpoint({ origin, size: 1, root: root.subarray(1) })).toThrow(internal);
    expect(() => formatCheckpoint({ origin, size: 0, root })).toThrow(internal);
    expect(() => formatCheckpoint({ origin, size: 1, root, extensions: [''] })).toThrow(internal);
  });

  it('is signed only as its own log, with an Ed25519 key', () => {
    const { signer } = testKey(origin);
    expect(() => checkpointSigner('my log', signer)).toThrow(internal);
    expect(() => checkpointSigner(origin, signer)({ size: -1, root })).toThrow(internal);
    const failed = expect.objectContaining({ code: 'SIGNING_FAILED' }) as unknown as Error;
    for (const wrong of [
      { ...signer, algorithm: 'ecdsa-p256-sha256' },
      { ...signer, publicKey: signer.publicKey.subarray(1) },
      { ...signer, publicKey: Uint8Array.of(...signer.publicKey, 0) },
      { ...signer, sign: () => new Uint8Array(63) },
    ]) {
      expect(() => checkpointSigner(origin, wrong)({ size: 7, root })).toThrow(failed);
    }
  });
});

describe('a tlog-proof', () => {
  const text = read('envelope/proof.tlog-proof');

  it('that torchwood accepts proves its leaf', () => {
    const proof = parseTlogProof(text);
    const key = parseVkey(read('envelope/log.vkey').trim());
    if (proof === undefined || key === undefined) throw new Error('not read');
    const checkpoint = openCheckpoint(proof.checkpoint, key);
    if (checkpoint === undefined) throw new Error('not signed');
    const leaf = Uint8Array.from(readFileSync(new URL('../vectors/envelope/body.json', import.meta.url)));
    const { index, hashes } = proof;
    const claim = { index, size: checkpoint.size, leafHash: leafHash(leaf), root: checkpoint.root, hashes };
    expect([index, verifyInclusion(claim)]).toEqual([777, true]);
    expect(verifyInclusion({ ...claim, index: 776 })).toBe(false);
    expect(formatTlogProof(proof)).toBe(text);
  });

  it.each([
    ['an empty text', ''],
    ['another version', text.replace('@v1', '@v2')],
    ['carriage returns', text.replaceAll('\n', '\r\n')],
    ['a leading zero in the index', text.replace('index 777', 'index 0777')],
    ['no space', text.replace('index 777', 'index777')],
    ['two indexes', text.replace('index 777', 'index 777\nindex 777')],
    ['extra behind the index', text.replace('index 777', 'index 777\nextra AAAA')],
    ['two extras', text.replace('index 777', 'extra AAAA\nextra AAAA\nindex 777')],
    ['extra without padding', text.replace('index 777', 'extra AAA\nindex 777')],
    ['a hash with unused bits set', text.replace('HuaE=', 'HuaF=')],
    ['54 hashes', `c2sp.org/tlog-proof@v1\nindex 0\n${`${rootText}\n`.repeat(54)}\nx\n`],
    ['no checkpoint', text.slice(0, text.indexOf('\n\n') + 2)],
    ['a header alone', 'c2sp.org/tlog-proof@v1'],
    ['endless lines', `c2sp.org/tlog-proof@v1\nindex 0\n${`${rootText}\n`.repeat(20_000)}`],
  ])('with %s is refused', (_, bad) => {
    expect(bad).not.toBe(text);
    expect(parseTlogProof(bad)).toBeUndefined();
  });

  it('is not written of parts that would not read back', () => {
    for (const index of [-1, 0.5, NaN]) {
      expect(() => formatTlogProof({ index, hashes: [], checkpoint: 'x\n' })).toThrow(internal);
    }
    expect(() => formatTlogProof({ index: 0, hashes: [root.subarray(1)], checkpoint: 'x\n' })).toThrow(
      internal,
    );
    expect(() => formatTlogProof({ index: 0, hashes: [], checkpoint: '' })).toThrow(internal);
  });
});
