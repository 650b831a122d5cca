import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ed25519Signer } from '../../src/pki/signer-node.ts';
import { parseCheckpoint } from '../../src/tlog/checkpoint.ts';
import { cosigner } from '../../src/tlog/cosigner.ts';
import { cosignatureTime, formatNote, parseNote } from '../../src/tlog/note.ts';
import { formatVkey, parseVkey, signatureTypes } from '../../src/tlog/vkey.ts';
import { testKey } from './test-keys.ts';

const text = 'log.example.org\n3\nqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo=\n';

/** RFC 8032 §7.1, test 1, as PKCS#8. */
const rfcKey = ed25519Signer(
  createPrivateKey({
    key: Buffer.from(
      '302e020100300506032b657004220420' + '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
      'hex',
    ),
    format: 'der',
    type: 'pkcs8',
  }),
);

describe('a cosigner', () => {
  it('writes the line that node:crypto’s signature makes, of the same key and time', () => {
    const witness = testKey('witness.example.net/w', signatureTypes.cosignatureV1);
    const { key, cosign } = cosigner('witness.example.net/w', witness.signer);
    expect(key).toEqual(witness.key);
    const [line = ''] = formatNote({ text, signatures: [witness.line(text, 1_679_315_147n)] })
      .split('\n')
      .slice(-2);
    expect(cosign(text, 1_679_315_147)).toBe(`${line}\n`);
  });

  it('gives a vkey of type 4 that reads back, and no other type has its id', () => {
    const { key } = cosigner('w.example', rfcKey);
    expect(parseVkey(formatVkey(key))).toEqual(key);
    expect(key.type).toBe(0x04);
    expect(formatVkey({ ...key, type: 0x01 }).slice(0, 18)).not.toBe(formatVkey(key).slice(0, 18));
  });

  it('is verified by readers at each time that fits in a number', () => {
    const { key, cosign } = cosigner('w.example', rfcKey);
    fc.assert(
      fc.property(fc.maxSafeNat(), (time) => {
        const note = parseNote(`${text}\n${cosign(text, time)}`);
        expect(note && cosignatureTime(note, key)).toBe(time);
      }),
      { numRuns: 20 },
    );
    for (const time of [-1, 0.5, 2 ** 53, Number.NaN])
      expect(() => cosign(text, time)).toThrow('whole number');
  });

  it('adds a line that stands beside those of others’ tools', () => {
    const read = (path: string) =>
      readFileSync(new URL(`../vectors/envelope/${path}`, import.meta.url), 'utf8');
    const checkpoint = read('checkpoint');
    const other = parseVkey(read('wit.vkey').trim());
    const body = parseCheckpoint(checkpoint)?.note.text ?? '';
    const { key, cosign } = cosigner('w.example', rfcKey);
    const note = parseNote(checkpoint + cosign(body, 1_800_000_000));
    expect(note && cosignatureTime(note, key)).toBe(1_800_000_000);
    expect(note && other && cosignatureTime(note, other)).toBeGreaterThan(1_700_000_000);
  });

  it.each(['', 'a b', 'a+b', 'a\nb', 'a\u00a0b', 'a\u0000b', 'a\ud800'])('refuses the name %j', (name) => {
    expect(() => cosigner(name, rfcKey)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });

  it('refuses a key that is not Ed25519, and a signature that is none', () => {
    const other = { ...rfcKey, algorithm: 'ecdsa-p256-sha256' };
    expect(() => cosigner('w', other)).toThrow(expect.objectContaining({ code: 'SIGNING_FAILED' }));
    const short = { ...rfcKey, sign: () => new Uint8Array(63) };
    expect(() => cosigner('w', short).cosign(text, 1)).toThrow(
      expect.objectContaining({ code: 'SIGNING_FAILED' }),
    );
  });
});
