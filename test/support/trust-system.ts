import { utf8 } from '../../src/call/bytes.ts';
import { assembleBundle } from '../../src/envelope/bundle.ts';
import type { BundleVersion } from '../../src/envelope/bundle-shape.ts';
import type { SignedStatement, Statement } from '../../src/envelope/envelope.ts';
import { signStatement } from '../../src/envelope/sign.ts';
import type { StatementKind } from '../../src/names.ts';
import { createTrustSystem } from '../../src/pki/authority.ts';
import type { TrustSystem } from '../../src/pki/authority.ts';
import { issueLeaf } from '../../src/pki/leaf.ts';
import { ecdsaSigner, ed25519Signer, generateEcdsaKey } from '../../src/pki/signer-node.ts';
import type { SigningIdentity, SyncSigner, TimestampAuthority } from '../../src/pki/signer.ts';
import { createTimestampAuthority } from '../../src/pki/timestamp.ts';
import { trustedRoot } from '../../src/pki/trusted-root.ts';
import type { TrustedRootJson } from '../../src/pki/trusted-root.ts';
import type { InclusionProof } from '../../src/tlog/proof.ts';
import { logKeyId, proveIn } from '../envelope/tiny-log.ts';

/** A whole trust system in memory: authorities, a gate's certificate, and a log that anything can be put into. */
export interface TestTrustSystem {
  readonly origin: string;
  /** Wall milliseconds at which it was made; everything is valid then. */
  readonly now: number;
  readonly trustedRoot: TrustedRootJson;
  readonly trustedRootBytes: Uint8Array;
  readonly keys: TrustSystem;
  readonly caSigner: SyncSigner;
  readonly ctSigner: SyncSigner;
  readonly logSigner: SyncSigner;
  readonly timestamps: TimestampAuthority;
  readonly identity: SigningIdentity;
  /** The leaves so far. */
  readonly leaves: Uint8Array[];
  /** A certificate and key for another gate, or another time. */
  issue(options?: { gate?: string; notBefore?: number; notAfter?: number }): Promise<SigningIdentity>;
  /** Signs a statement and puts it into the log. */
  record(kind: StatementKind, statement: Statement, options?: RecordOptions): Promise<Recorded>;
  /** The bundle of a recorded statement under the head of `size` leaves, by default the newest. */
  bundle(recorded: Recorded, options?: { size?: number; version?: BundleVersion }): string;
  proof(recorded: Pick<Recorded, 'index'>, size?: number): InclusionProof;
}

export interface RecordOptions {
  /** Wall milliseconds of signature and timestamp. */
  readonly time?: number;
  readonly identity?: SigningIdentity;
  readonly timestamps?: TimestampAuthority;
}

export interface Recorded {
  readonly signed: SignedStatement;
  readonly index: number;
}

const origin = 'log.test.example';
const hour = 3_600_000;

export async function testTrustSystem(now = Date.UTC(2026, 10, 21, 21, 0, 0)): Promise<TestTrustSystem> {
  const trustDomain = 'test.example';
  const issuerUrl = `https://ca.${trustDomain}`;
  const keys = await createTrustSystem({ trustDomain, now: now - hour });
  const [caSigner, ctSigner] = [ecdsaSigner(keys.issuing.privateKey), ecdsaSigner(keys.ct.privateKey)];
  const logSigner = ed25519Signer(keys.log.privateKey);
  const keyId = logKeyId(origin, logSigner);
  const root = trustedRoot({
    trustDomain,
    logOrigin: origin,
    logPublicKey: keys.log.publicKey,
    logKeyId: keyId,
    ctPublicKey: keys.ct.publicKey,
    certificateAuthority: [keys.issuing.certificate, keys.root.certificate],
    timestampAuthority: [keys.timestamp.certificate, keys.timestampRoot.certificate],
    issuerUrl,
    validFrom: keys.validFrom,
  });
  const timestamps = createTimestampAuthority({
    signer: ecdsaSigner(keys.timestamp.privateKey),
    certificate: keys.timestamp.certificate,
  });

  const issue: TestTrustSystem['issue'] = async (options = {}) => {
    const { gate = 'one', notBefore = now - 60_000, notAfter = now + hour } = options;
    const { signer } = generateEcdsaKey();
    const certificate = await issueLeaf({
      caSigner,
      caCertificate: keys.issuing.certificate,
      ctSigner,
      spiffeUri: `spiffe://${trustDomain}/gate/${gate}`,
      issuerUrl,
      publicKey: signer.publicKey,
      notBefore,
      notAfter,
      now: notBefore,
    });
    return { signer, certificate, issuer: keys.issuing.certificate, notBefore, notAfter };
  };
  const identity = await issue();
  const leaves: Uint8Array[] = [1, 2, 3].map((n) => utf8(`an older entry ${n}`));
  const proof: TestTrustSystem['proof'] = ({ index }, size = leaves.length) =>
    proveIn(leaves.slice(0, size), index, origin, logSigner);

  return {
    origin,
    now,
    trustedRoot: root,
    trustedRootBytes: utf8(JSON.stringify(root)),
    keys,
    caSigner,
    ctSigner,
    logSigner,
    timestamps,
    identity,
    leaves,
    issue,
    async record(kind, statement, options = {}) {
      const signed = await signStatement(
        kind,
        statement,
        options.identity ?? identity,
        options.timestamps ?? timestamps,
        options.time ?? now,
      );
      return { signed, index: leaves.push(signed.leaf) - 1 };
    },
    bundle(recorded, { size, version } = {}) {
      return assembleBundle({
        signed: recorded.signed,
        issuer: keys.issuing.certificate,
        proof: proof(recorded, size),
        logKeyId: keyId,
        ...(version && { version }),
      });
    },
    proof,
  };
}
