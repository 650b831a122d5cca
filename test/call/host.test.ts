import { sha256 as portableSha256 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hostBytes, hostSha256 } from '../../src/call/host.ts';
import { portableBytes } from '../../src/call/portable-bytes.ts';

const anyBytes = fc.uint8Array({ maxLength: 20_000 });

describe('what Node does natively and what every runtime does in JavaScript are the same', () => {
  it('is there in Node, so that it is what the other tests use', () => {
    expect(hostBytes).toBeDefined();
    expect(hostSha256).toBeDefined();
  });

  it('SHA-256', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(hostSha256?.(bytes)).toEqual(portableSha256(bytes));
      }),
    );
  });

  it('base64 and hexadecimal, there and back', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const text = portableBytes.base64(bytes);
        expect(hostBytes?.base64(bytes)).toBe(text);
        expect(hostBytes?.hex(bytes)).toBe(portableBytes.hex(bytes));
        expect(portableBytes.fromBase64(text)).toEqual(bytes);
        expect(hostBytes?.fromBase64(text)).toEqual(bytes);
      }),
    );
  });

  it('UTF-8, with lone surrogates replaced', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(hostBytes?.utf8(text)).toEqual(portableBytes.utf8(text));
      }),
    );
    expect(hostBytes?.utf8('a\ud800b')).toEqual(portableBytes.utf8('a\ud800b'));
  });

  it('text that is no base64 never comes back as itself', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const bytes = portableBytes.fromBase64(text);
        const host = hostBytes?.fromBase64(text) ?? bytes;
        const roundTrips = portableBytes.base64(bytes) === text;
        expect(hostBytes?.base64(host) === text).toBe(roundTrips);
      }),
    );
  });
});
