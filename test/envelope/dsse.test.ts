import fc from 'fast-check';
import { expect, it } from 'vitest';
import { sha256 } from '../../src/call/sha256.ts';
import { fromBase64, utf8 } from '../../src/call/bytes.ts';
import { pae } from '../../src/envelope/dsse.ts';
import { vector, vectorJson } from '../pki/vectors.ts';

it('the pre-authentication encoding is the one that the vector signs', () => {
  const bundle = vectorJson('bundle02.json') as { dsseEnvelope: { payload: string; payloadType: string } };
  const { payload, payloadType } = bundle.dsseEnvelope;
  const encoded = pae(payloadType, fromBase64(payload) ?? new Uint8Array());
  expect(encoded).toEqual(vector('pae.bin'));
  const body = vectorJson('body.json') as { spec: { hashedRekordV002: { data: { digest: string } } } };
  expect(sha256(encoded)).toEqual(fromBase64(body.spec.hashedRekordV002.data.digest));
});

// The example of the DSSE specification, protocol.md.
it('the pre-authentication encoding counts bytes', () => {
  expect(pae('http://example.com/HelloWorld', utf8('hello world'))).toEqual(
    utf8('DSSEv1 29 http://example.com/HelloWorld 11 hello world'),
  );
  expect(pae('ü', utf8('€'))).toEqual(utf8('DSSEv1 2 ü 3 €'));
});

it('no two payloads or types have the same encoding', () => {
  const part = fc.string({ maxLength: 6, unit: fc.constantFrom('1', '2', ' ', 'a', 'é') });
  fc.assert(
    fc.property(part, part, part, part, (type, payload, otherType, otherPayload) => {
      fc.pre(type !== otherType || payload !== otherPayload);
      expect(pae(type, utf8(payload))).not.toEqual(pae(otherType, utf8(otherPayload)));
    }),
  );
});
