import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  maxCheckpointText,
  maxProofLines,
  maxRequestLength,
  parseAddCheckpoint,
} from '../../src/witness/request.ts';
import { requestOf, watchedLog } from './watched-log.ts';

const log = watchedLog();
const checkpoint = log.checkpoint(9);
const parsed = (text: string) => parseAddCheckpoint(Uint8Array.from(Buffer.from(text)));
const hash = Buffer.alloc(32, 7).toString('base64');

const vector = readFileSync(new URL('../vectors/envelope/checkpoint', import.meta.url), 'utf8');

describe('a submission', () => {
  it('is an old size, a proof and a checkpoint', () => {
    expect(parsed(log.request(6, 9))).toMatchObject({
      oldSize: 6,
      proof: log.proof(6, 9),
      checkpoint: { origin: log.origin, size: 9, root: log.root(9) },
    });
    expect(parsed(requestOf(0, [], vector))?.checkpoint.note.signatures).toHaveLength(2);
  });

  it('reads back as it was written, whatever it says', () => {
    const proofs = fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: maxProofLines });
    fc.assert(
      fc.property(fc.maxSafeNat(), proofs, (oldSize, proof) => {
        const read = parsed(requestOf(oldSize, proof, checkpoint));
        expect(read).toMatchObject({ oldSize, proof: proof.map((each) => Uint8Array.from(each)) });
      }),
    );
  });

  it('is what it would be written as, or refused', () => {
    const piece = fc.constantFrom(
      'old ',
      '0',
      '7',
      ' ',
      '\n',
      '\n\n',
      hash,
      `${hash}\n`,
      checkpoint,
      '\r',
      '\u2014 ',
      '=',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('');
        const read = parsed(text);
        if (read === undefined) return;
        expect(requestOf(read.oldSize, read.proof, text.slice(text.indexOf('\n\n') + 2))).toBe(text);
      }),
      { numRuns: 2_000 },
    );
  });

  it('of any bytes never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
        const request = Buffer.from(log.request(6, 9));
        parseAddCheckpoint(Uint8Array.from(noise));
        parseAddCheckpoint(Uint8Array.from(Buffer.concat([request.subarray(0, noise.length), noise])));
      }),
    );
  });

  it.each([
    ['nothing', ''],
    ['no old size', `\n\n${checkpoint}`],
    ['no proof and no empty line', `old 0\n${checkpoint}`],
    ['a second empty line', `old 0\n\n\n${checkpoint}`],
    ['an old size with a sign', requestOf('+1', [], checkpoint)],
    ['an old size with a leading zero', requestOf('01', [], checkpoint)],
    ['an old size beyond what is exact', requestOf('9007199254740992', [], checkpoint)],
    ['an old size that is no number', requestOf('1e3', [], checkpoint)],
    ['no number behind old', requestOf('', [], checkpoint)],
    ['another word', `new 0\n\n${checkpoint}`],
    ['a word in capitals', `OLD 0\n\n${checkpoint}`],
    ['two spaces', `old  0\n\n${checkpoint}`],
    ['a space at the end of a line', `old 0 \n\n${checkpoint}`],
    ['carriage returns', `old 0\r\n\r\n${checkpoint}`],
    ['a byte order mark', `\ufeffold 0\n\n${checkpoint}`],
    ['a hash of 31 bytes', `old 6\n${Buffer.alloc(31).toString('base64')}\n\n${checkpoint}`],
    ['a hash without padding', `old 6\n${hash.replace('=', '')}\n\n${checkpoint}`],
    ['a hash with unused bits set', `old 6\n${hash.replace(/.=$/, 'd=')}\n\n${checkpoint}`],
    ['a hash in base64 for URLs', `old 6\n${Buffer.alloc(32, 255).toString('base64url')}=\n\n${checkpoint}`],
    ['64 hashes', `old 6\n${`${hash}\n`.repeat(maxProofLines + 1)}\n${checkpoint}`],
    ['no checkpoint', 'old 0\n\n'],
    ['a checkpoint that nobody signed', `old 0\n\n${checkpoint.split('\n\n')[0] ?? ''}\n\n`],
    ['a note that is no checkpoint', `old 0\n\nhello\n\n${checkpoint.split('\n\n')[1] ?? ''}`],
    ['something behind it', `old 0\n\n${checkpoint}x`],
    [
      'more text than a log needs',
      requestOf(0, [], checkpoint.replace('\n\n', `\n${'x'.repeat(maxCheckpointText)}\n\n`)),
    ],
  ])('is refused with %s', (_, text) => {
    expect(parsed(text)).toBeUndefined();
  });

  it('that is not UTF-8, or too long, is refused', () => {
    const bytes = Buffer.from(log.request(6, 9));
    const at = bytes.indexOf(log.origin);
    bytes[at] = 0xff;
    expect(parseAddCheckpoint(Uint8Array.from(bytes))).toBeUndefined();
    expect(parseAddCheckpoint(new Uint8Array(maxRequestLength + 1))).toBeUndefined();
  });

  it('may be as long as its parts may be', () => {
    const proof = Array.from({ length: maxProofLines }, () => new Uint8Array(32));
    const longest = requestOf(2 ** 53 - 1, proof, '').length;
    expect(longest + 131_072).toBeLessThanOrEqual(maxRequestLength);
  });
});
