import { describe, expect, it } from 'vitest';
import { presentedCertificate } from '../../../src/identity/possession/forwarded-certificate.ts';
import { createNetworkMap } from '../../../src/identity/network.ts';

const network = createNetworkMap({ zones: new Map(), trustedProxies: ['192.0.2.0/28', '2001:db8::5/128'] });
const own = Uint8Array.of(1, 2, 3);
const forwarded = { forwardedCertificate: ':BAUG:', forwardedChain: ':BwgJ:, :CgsM:' };
const malformed = expect.objectContaining({ code: 'CERTIFICATE_MALFORMED' }) as Error;

/** The example of RFC 9440, appendix A (figure 4): `Client-Cert` of a client that such a proxy has seen. */
const rfc9440 =
  ':MIIBqDCCAU6gAwIBAgIBBzAKBggqhkjOPQQDAjA6MRswGQYDVQQKDBJMZXQncyBBdXRoZW50aWNhdGUxGzAZBgNVBAMMEkxBIEludGVybWVkaWF0ZSBDQTAeFw0yMDAxMTQyMjU1MzNaFw0yMTAxMjMyMjU1MzNaMA0xCzAJBgNVBAMMAkJDMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8YnXXfaUgmnMtOXU/IncWalRhebrXmckC8vdgJ1p5Be5F/3YC8OthxM4+k1M6aEAEFcGzkJiNy6J84y7uzo9M6NyMHAwCQYDVR0TBAIwADAfBgNVHSMEGDAWgBRm3WjLa38lbEYCuiCPct0ZaSED2DAOBgNVHQ8BAf8EBAMCBsAwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0RAQH/BBMwEYEPYmRjQGV4YW1wbGUuY29tMAoGCCqGSM49BAMCA0gAMEUCIBHda/r1vaL6G3VliL4/Di6YK0Q6bMjeSkC3dFCOOB8TAiEAx/kHSB4urmiZ0NX5r5XarmPk0wmuydBVoU4hBVZ1yhk=:';

describe('the certificate of whoever asks', () => {
  it('is that of the connection', () => {
    const peer = { address: '203.0.113.9', certificate: own, chain: [own] };
    expect(presentedCertificate(peer, network)).toEqual({ certificate: own, chain: [own] });
    expect(presentedCertificate({ certificate: own }, undefined)).toEqual({ certificate: own, chain: [] });
    expect(presentedCertificate({}, network)).toBeUndefined();
  });

  it.each(['203.0.113.9', '192.0.2.16', '::ffff:203.0.113.9', '2001:db8::6', '', 'localhost', undefined])(
    'is nothing that %j says of itself in a header',
    (address) => {
      expect(presentedCertificate({ address, ...forwarded }, network)).toBeUndefined();
      expect(presentedCertificate({ address, ...forwarded, certificate: own }, network)).toEqual({
        certificate: own,
        chain: [],
      });
    },
  );

  it('is not even looked at in a header where nobody is trusted', () => {
    const peer = { address: '192.0.2.1', forwardedCertificate: 'no certificate' };
    expect(presentedCertificate(peer, undefined)).toBeUndefined();
  });

  it.each(['192.0.2.1', '::ffff:192.0.2.1', '2001:db8::5'])(
    'is what the trusted proxy %s says',
    (address) => {
      expect(presentedCertificate({ address, ...forwarded }, network)).toEqual({
        certificate: Uint8Array.of(4, 5, 6),
        chain: [Uint8Array.of(7, 8, 9), Uint8Array.of(10, 11, 12)],
      });
    },
  );

  it('is never the proxy’s own', () => {
    const peer = { address: '192.0.2.1', certificate: own, chain: [own] };
    expect(presentedCertificate(peer, network)).toBeUndefined();
    expect(presentedCertificate({ ...peer, ...forwarded }, network)?.certificate).toEqual(
      Uint8Array.of(4, 5, 6),
    );
    expect(presentedCertificate({ ...peer, forwardedChain: ':BwgJ:' }, network)).toBeUndefined();
  });

  it('is read from the example of RFC 9440', () => {
    const found = presentedCertificate({ address: '192.0.2.1', forwardedCertificate: rfc9440 }, network);
    expect(found?.certificate.subarray(0, 4)).toEqual(Uint8Array.of(0x30, 0x82, 0x01, 0xa8));
    expect(found?.certificate).toHaveLength(0x1a8 + 4);
  });
});

describe('Client-Cert of a trusted proxy', () => {
  const read = (forwardedCertificate: string, forwardedChain?: string) =>
    presentedCertificate({ address: '192.0.2.1', forwardedCertificate, forwardedChain }, network);

  it.each([
    ['nothing', ''],
    ['an empty byte sequence', '::'],
    ['bytes without colons', 'BAUG'],
    ['half of the colons', ':BAUG'],
    ['base64 with unused bits', ':BAUH:='],
    ['base64 that is not padded', ':BA:'],
    ['base64 for URLs', ':-_-_:'],
    ['a parameter', ':BAUG:;a=1'],
    ['two certificates: which one counts?', ':BAUG:, :BwgJ:'],
    ['PEM', '-----BEGIN CERTIFICATE-----'],
    ['something longer than any certificate', `:${'A'.repeat(65_536)}:`],
  ])('is refused with %s', (_, value) => {
    expect(() => read(value)).toThrow(malformed);
  });

  it.each([
    ['an empty member', ':BAUG:,'],
    ['a string', '"BAUG"'],
    ['an inner list', '(:BAUG:)'],
    ['more certificates than a path has', Array.from({ length: 9 }, () => ':BAUG:').join(',')],
  ])('is refused with %s in its chain', (_, chain) => {
    expect(() => read(':BAUG:', chain)).toThrow(malformed);
  });
});
