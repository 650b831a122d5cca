import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/call/bytes.ts';
import { CountersignError } from '../../src/errors.ts';
import { loadTrust } from '../../src/verify/trust.ts';
import { testTrustSystem } from '../support/trust-system.ts';

const system = await testTrustSystem();
const elsewhere = await testTrustSystem();
const text = Buffer.from(system.trustedRootBytes).toString();

interface Root {
  [field: string]: unknown;
  mediaType: string;
  tlogs: {
    baseUrl: string;
    logId: { keyId: string };
    publicKey: { rawBytes: string; validFor: { start?: string; end?: string } };
  }[];
  ctlogs: {
    baseUrl: string;
    logId: { keyId: string };
    publicKey: { rawBytes: string; keyDetails: string };
  }[];
  certificateAuthorities: { certChain: { certificates: { rawBytes: string }[] } }[];
  timestampAuthorities: { certChain: { certificates: { rawBytes: string }[] } }[];
}

const root = (of = text): Root => JSON.parse(of) as Root;
const other = (): Root => root(Buffer.from(elsewhere.trustedRootBytes).toString());

async function refusal(source: Root | string | Uint8Array): Promise<string> {
  const bytes =
    source instanceof Uint8Array
      ? source
      : utf8(typeof source === 'string' ? source : JSON.stringify(source));
  try {
    await loadTrust(bytes);
    return 'accepted';
  } catch (error) {
    return error instanceof CountersignError ? error.code : `threw ${String(error)}`;
  }
}

describe('a trust root', () => {
  it('that pki wrote is read, and so is the one of the vectors', async () => {
    const trust = await loadTrust(system.trustedRootBytes);
    expect(trust.transparencyLogs.map(({ origin }) => origin)).toEqual([system.origin]);
    const vector = readFileSync(new URL('../vectors/envelope/trusted_root.json', import.meta.url));
    expect((await loadTrust(vector)).certificateAuthorities[0]?.uri).toBe('https://ca.example.org');
  });

  it('has a fingerprint of what it says, not of how it is printed', async () => {
    const { fingerprint } = await loadTrust(system.trustedRootBytes);
    expect((await loadTrust(utf8(JSON.stringify(root(), null, 2)))).fingerprint).toBe(fingerprint);
    expect(fingerprint).not.toBe((await loadTrust(elsewhere.trustedRootBytes)).fingerprint);
    const sorted = (value: unknown): unknown =>
      Array.isArray(value) || typeof value !== 'object' || value === null
        ? Array.isArray(value)
          ? value.map(sorted)
          : value
        : Object.fromEntries(
            Object.entries(value)
              .sort()
              .map(([key, member]) => [key, sorted(member)]),
          );
    expect(fingerprint).toBe(
      createHash('sha256')
        .update(JSON.stringify(sorted(root())))
        .digest('hex'),
    );
  });

  it('may hold several of each, as during a rotation', async () => {
    const [old, young] = [root(), other()];
    const both = { ...old };
    for (const name of ['tlogs', 'ctlogs', 'certificateAuthorities', 'timestampAuthorities'] as const) {
      Object.assign(both, { [name]: [...old[name], ...young[name]] });
    }
    const trust = await loadTrust(utf8(JSON.stringify(both)));
    expect(trust.transparencyLogs).toHaveLength(2);
  });

  const changes: readonly (readonly [string, (trusted: Root) => void])[] = [
    ['of another version', (r) => (r.mediaType = r.mediaType.replace('0.1', '0.2'))],
    ['with a field that no schema has', (r) => (r['more'] = 1)],
    ['without a log', (r) => (r.tlogs = [])],
    ['without a timestamp authority', (r) => (r.timestampAuthorities = [])],
    ['without certificate logs', (r) => delete (r as Partial<Root>).ctlogs],
    ['whose log key id is another', (r) => (r.tlogs[0]!.logId.keyId = other().tlogs[0]!.logId.keyId)],
    ['whose log has another host name', (r) => (r.tlogs[0]!.baseUrl = 'https://log.other.example')],
    ['whose log has a path', (r) => (r.tlogs[0]!.baseUrl += '/shard')],
    ['whose log has a port', (r) => (r.tlogs[0]!.baseUrl += ':443')],
    ['whose log is not https', (r) => (r.tlogs[0]!.baseUrl = r.tlogs[0]!.baseUrl.replace('https', 'http'))],
    ['whose certificate log has another id', (r) => (r.ctlogs[0]!.logId = other().ctlogs[0]!.logId)],
    ['whose log has no start', (r) => delete r.tlogs[0]!.publicKey.validFor.start],
    ['whose log ends before it starts', (r) => (r.tlogs[0]!.publicKey.validFor.end = '2001-01-01T00:00:00Z')],
    [
      'with a time that does not exist',
      (r) => (r.tlogs[0]!.publicKey.validFor.start = '2026-02-30T00:00:00Z'),
    ],
    ['with a time of a zone', (r) => (r.tlogs[0]!.publicKey.validFor.start = '2026-02-20T00:00:00+01:00')],
    [
      'with a key of another algorithm',
      (r) => (r.ctlogs[0]!.publicKey.rawBytes = r.tlogs[0]!.publicKey.rawBytes),
    ],
    ['with a key that says so', (r) => (r.ctlogs[0]!.publicKey.keyDetails = 'PKIX_ED25519')],
    [
      'whose chain is in the wrong order',
      (r) => r.certificateAuthorities[0]!.certChain.certificates.reverse(),
    ],
    ['whose chain lacks its root', (r) => r.certificateAuthorities[0]!.certChain.certificates.pop()],
    [
      'whose chain is of two authorities',
      (r) =>
        (r.certificateAuthorities[0]!.certChain.certificates[1] =
          other().certificateAuthorities[0]!.certChain.certificates[1]!),
    ],
    ['whose timestamp authority issues signers', (r) => (r.certificateAuthorities = r.timestampAuthorities)],
    ['whose certificate authority stamps', (r) => (r.timestampAuthorities = r.certificateAuthorities)],
    ['with base64 that has another spelling', (r) => (r.tlogs[0]!.publicKey.rawBytes += '\n')],
  ];

  it.each(changes)('%s is refused', async (_, change) => {
    const changed = root();
    change(changed);
    expect(await refusal(changed)).toBe('CONFIG_INVALID');
  });

  it('in which one key has two roles is refused', async () => {
    const changed = root();
    // The certificate log signs with the key that certifies.
    const issuing = system.caSigner.publicKey;
    changed.ctlogs[0]!.publicKey.rawBytes = Buffer.from(issuing).toString('base64');
    changed.ctlogs[0]!.logId.keyId = createHash('sha256').update(issuing).digest('base64');
    expect(await refusal(changed)).toBe('CONFIG_INVALID');
  });

  it.each([
    ['no JSON', 'hello'],
    ['no object', '[]'],
    ['a duplicate key', text.replace('"mediaType"', '"mediaType":"","mediaType"')],
    ['a key in another case', text.replace('"mediaType"', '"MediaType":"","mediaType"')],
    ['too much of it', `${text}${' '.repeat(1024 * 1024)}`],
  ])('that is %s is refused', async (_, source) => {
    expect(await refusal(source)).toBe('CONFIG_INVALID');
  });
});
