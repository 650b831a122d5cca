import { describe, expect, it } from 'vitest';
import { verdict as verdictStatement } from '../../src/envelope/statements.ts';
import { oid, sequence, smallInteger, tlv, utf8String } from '../../src/pki/der-write.ts';
import { oids } from '../../src/pki/oids.ts';
import { generateEcdsaKey } from '../../src/pki/signer-node.ts';
import { utf8 } from '../../src/call/bytes.ts';
import { tag } from '../../src/pki/der.ts';
import type { VerifyCode } from '../../src/verify/codes.ts';
import { verifyEnvelope } from '../../src/verify/envelope.ts';
import { loadTrust } from '../../src/verify/trust.ts';
import { allowed } from '../envelope/facts.ts';
import { testTrustSystem } from '../support/trust-system.ts';
import type { RecordOptions } from '../support/trust-system.ts';
import { newCallId } from './calls.ts';
import { forgeIdentity, keyUsageBits, purposes, san } from './forge.ts';
import type { Forgery } from './forge.ts';

const system = await testTrustSystem();
const trust = await loadTrust(system.trustedRootBytes);
const elsewhere = await testTrustSystem();
const { now } = system;
const hour = 3_600_000;

async function codesOf(options: RecordOptions): Promise<readonly VerifyCode[]> {
  const time = options.time ?? now;
  const facts = { ...allowed, call: { ...allowed.call, id: newCallId() }, decidedAt: time, notAfter: time };
  const recorded = await system.record('allow', verdictStatement(facts), options);
  const result = await verifyEnvelope(utf8(system.bundle(recorded)), trust);
  return result.ok ? [] : result.failures.map(({ code }) => code);
}

const codesFor = (forgery: Forgery): Promise<readonly VerifyCode[]> =>
  codesOf({ identity: forgeIdentity(system, forgery) });

describe('a signing certificate', () => {
  it('verifies as it should be', async () => {
    expect(await codesFor({})).toEqual([]);
  });

  it.each<[string, Forgery, VerifyCode]>([
    ['of another CA', { caSigner: elsewhere.caSigner }, 'CERTIFICATE_CHAIN'],
    ['that signs itself', { caSigner: generateEcdsaKey().signer }, 'CERTIFICATE_CHAIN'],
    ['that the timestamp authority signed', { caSigner: system.ctSigner }, 'CERTIFICATE_CHAIN'],
    ['that names another issuer', { issuer: sequence() }, 'CERTIFICATE_CHAIN'],
    [
      'whose authority key id is another',
      {
        extensions: {
          [oids.authorityKeyIdentifier]: sequence(tlv(tag.contextPrimitive(0), Uint8Array.of(1))),
        },
      },
      'CERTIFICATE_CHAIN',
    ],
    [
      'for another purpose',
      { extensions: { [oids.extendedKeyUsage]: purposes(oids.timeStamping) } },
      'CERTIFICATE_PROFILE',
    ],
    [
      'for a second purpose',
      { extensions: { [oids.extendedKeyUsage]: purposes(oids.codeSigning, '1.3.6.1.5.5.7.3.1') } },
      'CERTIFICATE_PROFILE',
    ],
    ['for any purpose', { extensions: { [oids.extendedKeyUsage]: null } }, 'CERTIFICATE_PROFILE'],
    ['for any use of its key', { extensions: { [oids.keyUsage]: null } }, 'CERTIFICATE_PROFILE'],
    [
      'that may sign certificates',
      { extensions: { [oids.keyUsage]: keyUsageBits(2, 0x84) } },
      'CERTIFICATE_PROFILE',
    ],
    [
      'that is a CA',
      { extensions: { [oids.basicConstraints]: sequence(tlv(tag.boolean, Uint8Array.of(0xff))) } },
      'CERTIFICATE_PROFILE',
    ],
    ['without an identity', { extensions: { [oids.subjectAltName]: null } }, 'CERTIFICATE_PROFILE'],
    [
      'with two identities',
      {
        extensions: {
          [oids.subjectAltName]: san('spiffe://test.example/gate/one', 'spiffe://test.example/gate/two'),
        },
      },
      'CERTIFICATE_PROFILE',
    ],
    [
      'with a second name of another kind',
      {
        extensions: {
          [oids.subjectAltName]: sequence(
            tlv(tag.contextPrimitive(6), utf8('spiffe://test.example/gate/one')),
            tlv(tag.contextPrimitive(1), utf8('a@test.example')),
          ),
        },
      },
      'CERTIFICATE_PROFILE',
    ],
    [
      'with a subject beside its identity',
      { subject: sequence(tlv(tag.set, sequence(oid('2.5.4.3'), utf8String('gate')))) },
      'CERTIFICATE_PROFILE',
    ],
    ['without its issuer’s URL', { extensions: { [oids.fulcioIssuer]: null } }, 'CERTIFICATE_PROFILE'],
    [
      'with a critical extension that nobody knows',
      { extensions: { '1.2.3.4': smallInteger(1) }, critical: ['1.2.3.4'] },
      'CERTIFICATE_PROFILE',
    ],
    ['without an SCT', { scts: 0 }, 'SCT_INVALID'],
    ['with an SCT of another log', { ctSigner: elsewhere.ctSigner }, 'SCT_INVALID'],
    ['with an SCT that names another algorithm', { sctAlgorithm: 1 }, 'SCT_INVALID'],
    ['with an SCT from before the log', { sctTime: now - 100 * 24 * hour }, 'SCT_INVALID'],
    ['with an SCT from after the signature', { sctTime: now + 61_000 }, 'SCT_INVALID'],
    ['with more SCTs than anybody needs', { scts: 5 }, 'TOO_LARGE'],
  ])('%s is refused', async (_, forgery, code) => {
    expect(await codesFor(forgery)).toEqual([code]);
  });

  it.each([
    'https://test.example/gate/one',
    'spiffe://test.example',
    'spiffe://test.example/',
    'spiffe://test.example//one',
    'spiffe://test.example/gate/../other',
    'spiffe://TEST.example/gate/one',
    'spiffe://test.example:1/gate/one',
    'spiffe://user@test.example/gate/one',
    'spiffe://test.example/gate/one?x',
    'spiffe://test.example/gate/%6fne',
    'spiffe://test.example/gate/one\n',
  ])('whose identity is no SPIFFE ID is refused: %j', async (uri) => {
    expect(await codesFor({ extensions: { [oids.subjectAltName]: san(uri) } })).toEqual([
      'CERTIFICATE_PROFILE',
    ]);
  });

  it('may carry an extension that nobody knows, if it is not critical', async () => {
    expect(await codesFor({ extensions: { '1.2.3.4': smallInteger(1) } })).toEqual([]);
  });

  it('is judged at the time of the stamp: an expired one signed nothing', async () => {
    const identity = await system.issue({ notBefore: now - hour / 2, notAfter: now });
    expect(await codesOf({ identity, time: now })).toEqual([]);
    const late = { ...identity, notAfter: Infinity };
    expect(await codesOf({ identity: late, time: now + 1_000 })).toEqual(['CERTIFICATE_EXPIRED']);
  });

  it('that starts later signed nothing yet', async () => {
    const identity = { ...(await system.issue({ notBefore: now + 2_000 })), notBefore: 0 };
    expect(await codesOf({ identity, time: now + 1_000 })).toEqual(['CERTIFICATE_EXPIRED']);
  });

  it('that passed once is not remembered for another trust root', async () => {
    const recorded = await system.record(
      'allow',
      verdictStatement({ ...allowed, decidedAt: now, notAfter: now }),
    );
    const bundle = utf8(system.bundle(recorded));
    expect((await verifyEnvelope(bundle, trust)).ok).toBe(true);
    const other = await verifyEnvelope(bundle, await loadTrust(elsewhere.trustedRootBytes));
    expect(other.ok ? [] : other.failures.map(({ code }) => code)).toEqual(
      expect.arrayContaining(['CERTIFICATE_CHAIN', 'TIMESTAMP_INVALID', 'LOG_UNKNOWN']),
    );
  });
});
