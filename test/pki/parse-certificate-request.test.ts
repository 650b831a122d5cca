import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { base64, equalBytes } from '../../src/call/bytes.ts';
import { writeCertificateRequest } from '../../src/pki/certificate-request.ts';
import { bitString, oid, sequence, smallInteger, tlv } from '../../src/pki/der-write.ts';
import { tag } from '../../src/pki/der.ts';
import { oids } from '../../src/pki/oids.ts';
import { parseCertificateRequest, readCertificateRequest } from '../../src/pki/parse-certificate-request.ts';
import { parsePem, toPem } from '../../src/pki/parse-pem.ts';
import { generateEcdsaKey, generateEd25519Key } from '../../src/pki/signer-node.ts';
import type { Signer } from '../../src/pki/signer.ts';
import { expectStrictUnderMutation } from './mutations.ts';

/** Files of `test/vectors/certificate-requests/`: see the README there. */
function request(name: string): string {
  return readFileSync(new URL(`../vectors/certificate-requests/${name}.pem`, import.meta.url), 'utf8');
}

function derOf(pem: string): Uint8Array {
  return parsePem(pem)?.[0]?.der ?? new Uint8Array();
}

const refused = { code: 'CERTIFICATE_REQUEST_INVALID' };
const planner = 'spiffe://example.org/agent/planner';

describe('a request that openssl made', () => {
  it.each([
    ['plain', []],
    ['named', [planner]],
    ['several-names', [planner, 'spiffe://example.org/agent/admin']],
    ['challenge', []],
  ])('%s is read, with the names that it asks for', async (name, uris) => {
    const { san, spki } = await readCertificateRequest(request(name));
    expect(san?.uris ?? []).toEqual(uris);
    expect(spki).toHaveLength(91);
  });

  it.each(['p384', 'rsa', 'sha512', 'compressed', 'explicit'])(
    '%s is refused: one kind of key, one spelling of it',
    async (name) => {
      await expect(readCertificateRequest(request(name))).rejects.toMatchObject(refused);
    },
  );

  it('is read as base64 of its DER, and with the ends of lines that Windows writes', async () => {
    const text = request('plain');
    const { spki } = await readCertificateRequest(text);
    expect((await readCertificateRequest(base64(derOf(text)))).spki).toEqual(spki);
    expect((await readCertificateRequest(text.replaceAll('\n', '\r\n'))).spki).toEqual(spki);
  });
});

describe('a request that we make', () => {
  it('asks for no name, and is signed with its key', async () => {
    const { signer } = generateEcdsaKey();
    const read = await readCertificateRequest(
      toPem('CERTIFICATE REQUEST', await writeCertificateRequest(signer)),
    );
    expect(equalBytes(read.spki, signer.publicKey)).toBe(true);
    expect(read.subject).toEqual(sequence());
    expect(read.san).toBeUndefined();
  });
});

describe('a request is refused', () => {
  const { signer } = generateEcdsaKey();
  const sent = (der: Uint8Array) => readCertificateRequest(base64(der));
  const infoOf = (publicKey: Uint8Array, attributes = tlv(tag.context(0)), version = 0) =>
    sequence(smallInteger(version), sequence(), publicKey, attributes);
  const signed = async (info: Uint8Array, by: Signer = signer, algorithm: string = oids.ecdsaWithSha256) =>
    sequence(info, sequence(oid(algorithm)), bitString(await by.sign(info)));

  it('for somebody else’s public key', async () => {
    const other = generateEcdsaKey().signer;
    await expect(sent(await signed(infoOf(other.publicKey)))).rejects.toMatchObject(refused);
  });

  it('when another request’s signature was put under it', async () => {
    const [mine, theirs] = [request('plain'), request('named')].map((text) =>
      parseCertificateRequest(derOf(text)),
    );
    const der = sequence(mine!.info, sequence(oid(oids.ecdsaWithSha256)), bitString(theirs!.signature));
    await expect(sent(der)).rejects.toMatchObject(refused);
  });

  it('with a signature of zeros, and with one that is no signature', async () => {
    const info = infoOf(signer.publicKey);
    for (const signature of [sequence(smallInteger(0), smallInteger(0)), sequence(), Uint8Array.of(0)]) {
      const der = sequence(info, sequence(oid(oids.ecdsaWithSha256)), bitString(signature));
      await expect(sent(der)).rejects.toMatchObject(refused);
    }
  });

  it('for a point that is not on the curve', async () => {
    const off = signer.publicKey.slice();
    off[90] = (off[90] as number) ^ 1;
    await expect(sent(await signed(infoOf(off)))).rejects.toMatchObject(refused);
  });

  it('for a key of another algorithm, without attributes, of another version', async () => {
    const ed25519 = generateEd25519Key().signer;
    const none = sequence(smallInteger(0), sequence(), signer.publicKey);
    for (const der of [
      await signed(infoOf(ed25519.publicKey), ed25519),
      await signed(infoOf(signer.publicKey), signer, oids.ed25519),
      await signed(none),
      await signed(infoOf(signer.publicKey, tlv(tag.context(0)), 1)),
    ]) {
      await expect(sent(der)).rejects.toMatchObject(refused);
    }
  });

  it('that has its names twice: two readers could each take another one', async () => {
    const names = (uri: string) =>
      sequence(
        oid(oids.extensionRequest),
        tlv(
          tag.set,
          sequence(
            sequence(
              oid(oids.subjectAltName),
              tlv(tag.octetString, sequence(tlv(tag.contextPrimitive(6), new TextEncoder().encode(uri)))),
            ),
          ),
        ),
      );
    const once = await signed(infoOf(signer.publicKey, tlv(tag.context(0), names(planner))));
    expect((await sent(once)).san?.uris).toEqual([planner]);
    const twice = tlv(tag.context(0), names(planner), names('spiffe://example.org/agent/admin'));
    await expect(sent(await signed(infoOf(signer.publicKey, twice)))).rejects.toMatchObject(refused);
  });

  it.each([
    ['of another label', request('plain').replaceAll('CERTIFICATE REQUEST', 'CERTIFICATE')],
    ['twice', request('plain').repeat(2)],
    ['with text before it', `Certificate Request:\n${request('plain')}`],
    ['with a byte behind it', base64(Uint8Array.of(...derOf(request('plain')), 0))],
    ['too long', 'A'.repeat(12_289)],
    ['empty', ''],
    ['no text of base64', 'äöü'],
  ])('%s', async (_, text) => {
    await expect(readCertificateRequest(text)).rejects.toMatchObject(refused);
  });

  it('whatever bytes of it are changed, or read as it stands', () => {
    expectStrictUnderMutation(derOf(request('named')), parseCertificateRequest);
  });

  it('whatever text it is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.string({ maxLength: 400 }), fc.base64String({ maxLength: 400 })),
        async (text) => {
          await expect(readCertificateRequest(text)).rejects.toMatchObject(refused);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('PEM', () => {
  it('has one form: what it says is what any other reader finds', () => {
    const pem = readFileSync(new URL('../vectors/envelope/leaf.pem', import.meta.url), 'utf8');
    const der = new Uint8Array(new X509Certificate(pem).raw);
    expect(parsePem(pem)).toEqual([{ label: 'CERTIFICATE', der }]);
    expect(toPem('CERTIFICATE', der)).toBe(pem);
    expect(parsePem(pem + pem)).toHaveLength(2);
  });

  it.each([
    'x',
    '-----BEGIN A-----\n-----END A-----\n',
    '-----BEGIN A-----\nAAAA\n-----END B-----\n',
    '-----BEGIN A-----\nAA AA\n-----END A-----\n',
    '-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END A-----\n',
    '-----BEGIN A-----\nAAA\n-----END A-----\n',
  ])('is not %j', (text) => {
    expect(parsePem(text)).toBeUndefined();
  });

  it('is read in time that grows no faster than the text', () => {
    const text = `-----BEGIN A-----\n${'AAAA\n'.repeat(100_000)}-----END B-----`;
    const began = performance.now();
    expect(parsePem(text)).toBeUndefined();
    expect(parsePem(' \n'.repeat(100_000))).toBeUndefined();
    expect(performance.now() - began).toBeLessThan(1_000);
  });
});
