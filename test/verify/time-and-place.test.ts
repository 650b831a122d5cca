import { describe, expect, it } from 'vitest';
import { base64, utf8 } from '../../src/call/bytes.ts';
import { commit, newSalt } from '../../src/call/commitment.ts';
import { verdict as verdictStatement } from '../../src/envelope/statements.ts';
import { oid, sequence, set, smallInteger, tlv } from '../../src/pki/der-write.ts';
import { tag } from '../../src/pki/der.ts';
import { oids } from '../../src/pki/oids.ts';
import { parseTimestampResponse } from '../../src/pki/parse-timestamp.ts';
import type { VerifyCode } from '../../src/verify/codes.ts';
import { verifyEnvelope } from '../../src/verify/envelope.ts';
import { loadTrust } from '../../src/verify/trust.ts';
import { allowed } from '../envelope/facts.ts';
import { testTrustSystem } from '../support/trust-system.ts';
import { allowedCall } from './calls.ts';
import { rewriteToken } from './timestamp-token.ts';

const system = await testTrustSystem();
const elsewhere = await testTrustSystem();
const trust = await loadTrust(system.trustedRootBytes);
const call = await allowedCall(system);
const { now } = system;

interface Bundle {
  verificationMaterial: {
    tlogEntries: [
      {
        logIndex: string;
        logId: { keyId: string };
        inclusionProof: {
          logIndex: string;
          treeSize: string;
          rootHash: string;
          hashes: string[];
          checkpoint: { envelope: string };
        };
      },
    ];
    timestampVerificationData: { rfc3161Timestamps: { signedTimestamp: string }[] };
  };
}

const parsed = (): Bundle => JSON.parse(call.verdict) as Bundle;

async function codesOf(bundle: object | string, using = trust): Promise<readonly VerifyCode[]> {
  const text = typeof bundle === 'string' ? bundle : JSON.stringify(bundle);
  const result = await verifyEnvelope(utf8(text), using);
  return result.ok ? [] : result.failures.map(({ code }) => code);
}

describe('a timestamp', () => {
  const genuine = call.verdictRecord.signed;
  const withToken = (token: Uint8Array): Bundle => {
    const bundle = parsed();
    bundle.verificationMaterial.timestampVerificationData.rfc3161Timestamps = [
      { signedTimestamp: base64(token) },
    ];
    return bundle;
  };

  const sha256 = sequence(oid(oids.sha256));
  const response = parseTimestampResponse(genuine.timestamp);
  const [tsa] = response.certificates;
  const withNull = sequence(oid(oids.sha256), tlv(tag.null));

  it.each<[string, Uint8Array]>([
    ['its certificate left out', rewriteToken(response, {})],
    ['its certificate carried', rewriteToken(response, { certificates: tsa ? [tsa] : [] })],
    ['SHA-256 written with NULL', rewriteToken(response, { digests: set(withNull), digest: withNull })],
  ])('verifies with %s', async (_, token) => {
    expect(await codesOf(withToken(token))).toEqual([]);
  });

  it.each<[string, Uint8Array]>([
    ['another status', rewriteToken(response, { status: [smallInteger(1)] })],
    ['a text beside its status', rewriteToken(response, { status: [smallInteger(0), sequence()] })],
    [
      'an unsigned attribute',
      rewriteToken(response, { unsigned: [tlv(tag.context(1), sequence(oid('1.2.3'), set()))] }),
    ],
    ['a second digest algorithm', rewriteToken(response, { digests: set(sha256, withNull) })],
    ['no digest algorithm', rewriteToken(response, { digests: set() })],
    [
      'another signature algorithm',
      rewriteToken(response, { algorithm: sequence(oid(oids.ecdsaWithSha256), tlv(tag.null)) }),
    ],
    [
      'another certificate',
      rewriteToken(response, { certificates: [system.keys.timestampRoot.certificate] }),
    ],
    [
      'a second certificate',
      rewriteToken(response, { certificates: [tsa ?? sha256, system.keys.timestampRoot.certificate] }),
    ],
    ['something after it', Uint8Array.of(...genuine.timestamp, 0)],
    ['nothing in it', Uint8Array.of(0x30, 0x00)],
  ])('is refused with %s', async (_, token) => {
    expect(await codesOf(withToken(token))).toEqual(['TIMESTAMP_INVALID']);
  });

  it('over anything but the signature is refused', async () => {
    const other = await system.timestamps.stamp(utf8('another message'), now);
    expect(await codesOf(withToken(other))).toEqual(['TIMESTAMP_INVALID']);
    const payload = await system.timestamps.stamp(genuine.payload, now);
    expect(await codesOf(withToken(payload))).toEqual(['TIMESTAMP_INVALID']);
  });

  it('of an authority that the trust root does not name is refused, also where the token carries it', async () => {
    expect(await codesOf(withToken(await elsewhere.timestamps.stamp(genuine.signature, now)))).toEqual([
      'TIMESTAMP_INVALID',
    ]);
  });

  it('must be exactly one', async () => {
    const bundle = parsed();
    const stamps = bundle.verificationMaterial.timestampVerificationData.rfc3161Timestamps;
    stamps.push({ signedTimestamp: base64(await system.timestamps.stamp(genuine.signature, now)) });
    expect(await codesOf(bundle)).toEqual(['TIMESTAMP_INVALID']);
    stamps.length = 0;
    expect(await codesOf(bundle)).toEqual(['TIMESTAMP_MISSING']);
  });

  it('more than a minute from what the statement says is a contradiction', async () => {
    const stampedAt = async (time: number): Promise<readonly VerifyCode[]> => {
      const statement = verdictStatement({ ...allowed, decidedAt: now, notAfter: now });
      return codesOf(system.bundle(await system.record('allow', statement, { time })));
    };
    expect(await stampedAt(now + 60_000)).toEqual([]);
    expect(await stampedAt(now + 61_000)).toEqual(['TIME_CONTRADICTION']);
    expect(await stampedAt(now - 59_000)).toEqual([]);
    const early = await allowedCall(system, { decidedAt: now + 61_000 });
    expect(await codesOf(early.verdict)).toEqual(['TIME_CONTRADICTION']);
    expect(await codesOf(early.outcome)).toEqual(['TIME_CONTRADICTION']);
  });

  it('of an outcome that could not be logged at once may be late, and its times in order', async () => {
    const late = await allowedCall(system, {
      outcome: { startedAt: now - 600_000, finishedAt: now - 500_000 },
    });
    expect(await codesOf(late.outcome)).toEqual([]);
    const reversed = await allowedCall(system, { outcome: { startedAt: now, finishedAt: now - 1 } });
    expect(await codesOf(reversed.outcome)).toEqual(['TIME_CONTRADICTION']);
  });
});

describe('the log entry', () => {
  const withNote = (change: (note: string) => string): Bundle => {
    const bundle = parsed();
    const { checkpoint } = bundle.verificationMaterial.tlogEntries[0].inclusionProof;
    checkpoint.envelope = change(checkpoint.envelope);
    return bundle;
  };

  it.each<[string, (note: string) => string]>([
    ['of another origin', (note) => note.replace(/^[^\n]*/, 'log.other.example')],
    [
      'whose signature names another log',
      (note) => note.replace('— log.test.example', '— log.other.example'),
    ],
    ['without a signature', (note) => note.slice(0, note.indexOf('—'))],
    ['signed twice by the log', (note) => note + note.slice(note.indexOf('—'))],
    ['of another size', (note) => note.replace(/\n\d+\n/, '\n999\n')],
    ['with another line in its text', (note) => note.replace('\n\n', '\nmore\n\n')],
    ['with a carriage return', (note) => note.replaceAll('\n', '\r\n')],
    ['with a line that is no signature', (note) => `${note}hello\n`],
  ])('with a checkpoint %s is refused', async (_, change) => {
    expect(await codesOf(withNote(change))).toEqual(['CHECKPOINT_INVALID']);
  });

  it('may have the cosignature of a witness that the trust root does not name: it counts for nothing', async () => {
    const line = `— witness.example ${base64(commit(newSalt(), utf8('x')))}\n`;
    expect(await codesOf(withNote((note) => note + line))).toEqual([]);
  });

  it('with a genuine checkpoint of another tree is refused', async () => {
    const bundle = parsed();
    const older = JSON.parse(call.outcome) as Bundle;
    const proof = bundle.verificationMaterial.tlogEntries[0].inclusionProof;
    proof.checkpoint = older.verificationMaterial.tlogEntries[0].inclusionProof.checkpoint;
    expect(await codesOf(bundle)).toEqual(['CHECKPOINT_INVALID']);
  });

  it('of a log that the trust root does not name is refused', async () => {
    const bundle = parsed();
    bundle.verificationMaterial.tlogEntries[0].logId.keyId = base64(newSalt());
    expect(await codesOf(bundle)).toEqual(['LOG_UNKNOWN']);
  });

  it('with more hashes than a tree can have is refused unread', async () => {
    const bundle = parsed();
    const proof = bundle.verificationMaterial.tlogEntries[0].inclusionProof;
    proof.hashes = Array.from({ length: 65 }, () => proof.rootHash);
    expect(await codesOf(bundle)).toEqual(['TOO_LARGE']);
  });

  it('with an index beyond what a number holds is refused', async () => {
    const bundle = parsed();
    bundle.verificationMaterial.tlogEntries[0].logIndex = '9007199254740993';
    expect(await codesOf(bundle)).toEqual(['BUNDLE_MALFORMED']);
  });
});

describe('the trust root’s periods', () => {
  type Timed = { validFor: { start: string; end?: string } };
  const root = () =>
    JSON.parse(Buffer.from(system.trustedRootBytes).toString()) as {
      certificateAuthorities: [Timed];
      timestampAuthorities: [Timed];
      tlogs: [{ publicKey: Timed }];
      ctlogs: [{ publicKey: Timed }];
    };
  const ended = new Date(now - 1_000).toISOString();
  const later = new Date(now + 1_000).toISOString();

  it.each<[VerifyCode, string, (trusted: ReturnType<typeof root>) => Timed]>([
    ['CERTIFICATE_EXPIRED', 'certificate authority', ({ certificateAuthorities: [authority] }) => authority],
    ['TIMESTAMP_INVALID', 'timestamp authority', ({ timestampAuthorities: [authority] }) => authority],
    ['LOG_UNKNOWN', 'log', ({ tlogs: [log] }) => log.publicKey],
  ])('%s: nothing is relied on before or after the period of the %s', async (code, _, find) => {
    for (const validFor of [{ start: later }, { start: new Date(0).toISOString(), end: ended }]) {
      const changed = root();
      find(changed).validFor = validFor;
      expect(await codesOf(call.verdict, await loadTrust(utf8(JSON.stringify(changed))))).toContain(code);
    }
  });

  it('a key that ended keeps verifying what it signed before', async () => {
    const changed = root();
    for (const { validFor } of [...changed.certificateAuthorities, ...changed.timestampAuthorities])
      validFor.end = later;
    changed.tlogs[0].publicKey.validFor.end = later;
    changed.ctlogs[0].publicKey.validFor.end = later;
    expect(await codesOf(call.verdict, await loadTrust(utf8(JSON.stringify(changed))))).toEqual([]);
  });
});
