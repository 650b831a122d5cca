import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verifyEd25519 } from '../../src/tlog/ed25519.ts';
import {
  cosignatureTime,
  formatNote,
  maxNoteLength,
  maxNoteSignatures,
  parseNote,
  signaturesBy,
  verifyNoteSignature,
} from '../../src/tlog/note.ts';
import type { Note } from '../../src/tlog/note.ts';
import { keyId, noteKeyId, parseVkey, signatureTypes } from '../../src/tlog/vkey.ts';
import type { VerifierKey } from '../../src/tlog/vkey.ts';
import { flipBit } from './reference.ts';
import { testKey } from './test-keys.ts';

function read(path: string): string {
  return readFileSync(new URL(`../vectors/${path}`, import.meta.url), 'utf8');
}

function parsed(text: string): Note {
  const note = parseNote(text);
  if (note === undefined) throw new Error('not a note');
  return note;
}

function vkey(text: string): VerifierKey {
  const key = parseVkey(text.trim());
  if (key === undefined) throw new Error('not a verifier key');
  return key;
}

const checkpoint = read('envelope/checkpoint');

describe('an Ed25519 signature', () => {
  it('of RFC 8032 section 7.1, test 2, verifies, and no other message does under it', () => {
    const key = Buffer.from('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c', 'hex');
    const signature = Buffer.from(
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
        '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
      'hex',
    );
    expect(verifyEd25519(signature, Uint8Array.of(0x72), key)).toBe(true);
    expect(verifyEd25519(signature, Uint8Array.of(0x73), key)).toBe(false);
  });

  it('by a key of small order is refused, which would sign every message alike', () => {
    const identity = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0));
    const signature = Uint8Array.from([...identity, ...new Uint8Array(32)]);
    expect(verifyEd25519(signature, Uint8Array.of(1, 2, 3), identity)).toBe(false);
  });
});

describe('a verifier key', () => {
  it('in any other spelling is refused', () => {
    const text = read('envelope/log.vkey').trim();
    const wrong = [
      '',
      `${text}\n`,
      ` ${text}`,
      text.toUpperCase(),
      text.replace('655fcfb6', '655FCFB6'),
      text.replace('655fcfb6', '655fcfb7'),
      text.replace('log.example.org', 'log.example.com'),
      text.replace('log.example.org', ''),
      text.replace('log.example.org', 'log example'),
      `${text}AAAA`,
      `${text}+`,
      text.replace('I+C', 'I+D'),
    ];
    for (const spelling of wrong) expect([spelling, parseVkey(spelling)]).toEqual([spelling, undefined]);
  });

  it('has an id of 32 bytes for the log, of which a note carries four', () => {
    const key = vkey(read('envelope/log.vkey'));
    const trusted = JSON.parse(read('envelope/trusted_root.json')) as {
      tlogs: { checkpointKeyId?: { keyId: string }; logId: { keyId: string } }[];
    };
    const id = Buffer.from(keyId(key.name, key.publicKey));
    expect(id.toString('base64')).toBe((trusted.tlogs[0]?.checkpointKeyId ?? trusted.tlogs[0]?.logId)?.keyId);
    expect(Buffer.from(noteKeyId(key)).toString('hex')).toBe('655fcfb6');
  });
});

describe('a signed note', () => {
  it('keeps empty lines in its text and splits at the last one', () => {
    const signature = Buffer.alloc(68).toString('base64');
    const note = parsed(`first\n\nlast, for all the – in it\n\n— log.example.org ${signature}\n`);
    expect(note.text).toBe('first\n\nlast, for all the – in it\n');
    expect(note.signatures.map(({ name }) => name)).toEqual(['log.example.org']);
  });

  it('verifies under the log key and under the witness key that signed it, and under no other', () => {
    const note = parsed(checkpoint);
    const log = vkey(read('envelope/log.vkey'));
    const witness = vkey(read('envelope/wit.vkey'));
    expect(verifyNoteSignature(note, log)).toBe(true);
    expect(verifyNoteSignature(note, witness)).toBe(true);
    expect(verifyNoteSignature(note, { ...log, name: 'log.example.com' })).toBe(false);
    expect(verifyNoteSignature(note, { ...log, publicKey: witness.publicKey })).toBe(false);
    // The same key bytes under the other type: another key id, another message.
    expect(verifyNoteSignature(note, { ...log, type: signatureTypes.cosignatureV1 })).toBe(false);
    expect(verifyNoteSignature(note, { ...witness, type: signatureTypes.ed25519 })).toBe(false);
  });

  it('says when a witness saw it, only if the cosignature verifies', () => {
    const note = parsed(checkpoint);
    const witness = vkey(read('envelope/wit.vkey'));
    expect(new Date(1000 * (cosignatureTime(note, witness) ?? 0)).toISOString()).toMatch(/^2026-11-21T/);
    expect(cosignatureTime(note, vkey(read('envelope/log.vkey')))).toBeUndefined();
    expect(cosignatureTime({ ...note, text: note.text.replace('1000', '1001') }, witness)).toBeUndefined();
  });

  it('fails with any one bit of text or signature changed', () => {
    const note = parsed(checkpoint);
    const log = vkey(read('envelope/log.vkey'));
    const [line, ...others] = note.signatures;
    if (line === undefined) throw new Error('no signature');
    fc.assert(
      fc.property(fc.nat(64 * 8 - 1), fc.nat(note.text.length - 2), (bit, at) => {
        const changed = { ...line, signature: flipBit(line.signature, bit) };
        expect(verifyNoteSignature({ ...note, signatures: [changed, ...others] }, log)).toBe(false);
        const text = `${note.text.slice(0, at)}${note.text[at] === '0' ? '1' : '0'}${note.text.slice(at + 1)}`;
        expect(verifyNoteSignature({ ...note, text }, log)).toBe(false);
      }),
      { numRuns: 30 },
    );
  });

  it('with two lines of one key verifies only if both do, so that no reader takes the other one', () => {
    const text = 'one\n';
    const signer = testKey('example.org/log');
    const good = signer.line(text);
    const bad = signer.line('two\n');
    expect(verifyNoteSignature({ text, signatures: [good, good] }, signer.key)).toBe(true);
    for (const signatures of [
      [good, bad],
      [bad, good],
    ]) {
      expect(verifyNoteSignature({ text, signatures }, signer.key)).toBe(false);
      expect(signaturesBy({ text, signatures }, signer.key)).toHaveLength(2);
    }
    expect(verifyNoteSignature({ text, signatures: [] }, signer.key)).toBe(false);
  });

  it('ignores lines of unknown keys, also those that share the name or the id', () => {
    const text = 'one\n';
    const signer = testKey('example.org/log');
    const sameName = testKey('example.org/log').line(text);
    const sameId = { ...testKey('example.org/other').line(text), keyId: noteKeyId(signer.key) };
    const note = { text, signatures: [sameName, sameId, signer.line(text)] };
    expect(verifyNoteSignature(note, signer.key)).toBe(true);
  });

  it('takes a cosignature time as an exact number of seconds, the earliest of several', () => {
    const text = 'one\n';
    const witness = testKey('example.net', signatureTypes.cosignatureV1);
    const at = (...times: bigint[]): number | undefined =>
      cosignatureTime({ text, signatures: times.map((time) => witness.line(text, time)) }, witness.key);
    expect(at(0n)).toBe(0);
    expect(at(7n, 5n, 6n)).toBe(5);
    expect(at(2n ** 53n - 1n)).toBe(2 ** 53 - 1);
    for (const time of [2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]) expect(at(time)).toBeUndefined();
  });

  it('parses back to what was formatted', () => {
    const signature = fc.record({
      name: fc.stringMatching(/^[a-z0-9./-]{1,20}$/),
      keyId: fc.uint8Array({ minLength: 4, maxLength: 4 }),
      signature: fc.uint8Array({ minLength: 1, maxLength: 80 }),
    });
    const text = fc.stringMatching(/^[ -~\n\u2014]{0,60}$/).map((line) => `${line}\n`);
    fc.assert(
      fc.property(
        text,
        fc.array(signature, { minLength: 1, maxLength: maxNoteSignatures }),
        (text, signatures) => {
          expect(parseNote(formatNote({ text, signatures }))).toEqual({ text, signatures });
        },
      ),
    );
  });

  it('of any text is what it formats to, or refused', () => {
    const piece = fc.constantFrom(
      '\n',
      '\n\n',
      '— ',
      'a',
      ' ',
      'AAAAAAA=',
      'AAAAAAAA',
      '\u2014',
      '\r',
      '+',
      '=',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
        const note = parseNote(pieces.join(''));
        if (note !== undefined) expect(formatNote(note)).toBe(pieces.join(''));
      }),
      { numRuns: 2_000 },
    );
  });

  const line = '\u2014 a AAAAAAA=\n';

  it.each([
    ['nothing', ''],
    ['no empty line', `text\n${line}`],
    ['no text', `\n${line}`],
    ['no signature', 'text\n\n'],
    ['no newline at the end', `text\n\n${line.trimEnd()}`],
    ['an empty line between signatures', `text\n\n${line}\nx\n`],
    ['a line that is no signature', `text\n\n${line}x\n`],
    ['a hyphen for the dash', 'text\n\n- a AAAAAAA=\n'],
    ['no space behind the dash', 'text\n\n\u2014a AAAAAAA=\n'],
    ['two spaces', 'text\n\n\u2014 a  AAAAAAA=\n'],
    ['a space at the end', 'text\n\n\u2014 a AAAAAAA= \n'],
    ['an empty name', 'text\n\n\u2014  AAAAAAA=\n'],
    ['a plus in the name', 'text\n\n\u2014 a+b AAAAAAA=\n'],
    ['a no-break space in the name', 'text\n\n\u2014 a\u00a0b AAAAAAA=\n'],
    ['a next-line character in the name', 'text\n\n\u2014 a\u0085b AAAAAAA=\n'],
    ['a carriage return', `text\r\n\n${line}`],
    ['a tab', `te\txt\n\n${line}`],
    ['a zero byte', `te\0xt\n\n${line}`],
    ['a lone surrogate', `te\ud800xt\n\n${line}`],
    ['a key id and no signature', 'text\n\n\u2014 a AAAAAA==\n'],
    ['base64 without padding', 'text\n\n\u2014 a AAAAAAA\n'],
    ['base64 with unused bits set', 'text\n\n\u2014 a AAAAAAB=\n'],
    ['base64 for URLs', 'text\n\n\u2014 a AAAAAA_=\n'],
    ['too many signatures', `text\n\n${line.repeat(maxNoteSignatures + 1)}`],
    ['too long a text', `${'x'.repeat(maxNoteLength)}\n\n${line}`],
  ])('is refused with %s', (_, text) => {
    expect(parseNote(text)).toBeUndefined();
  });

  it('may have 16 signatures of five kilobytes, as the specification asks', () => {
    const signatures = Array.from({ length: 16 }, (_, i) => ({
      name: `w${i}`,
      keyId: new Uint8Array(4),
      signature: new Uint8Array(5_000),
    }));
    expect(parseNote(formatNote({ text: 'text\n', signatures }))?.signatures).toHaveLength(16);
  });
});
