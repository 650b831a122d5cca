import { base64, utf8 } from '../../src/call/sha256.ts';
import { logKeyId } from '../envelope/tiny-log.ts';
import { testTrustSystem } from '../support/trust-system.ts';
import type { TestTrustSystem } from '../support/trust-system.ts';

type Root = TestTrustSystem['trustedRoot'];

/** The system, under a trust root that names another one's keys as well: as after a rotation, or with an older log. */
export function alsoTrusting(system: TestTrustSystem, other: TestTrustSystem): TestTrustSystem {
  const [ours, theirs] = [system.trustedRoot, other.trustedRoot];
  const trustedRoot: Root = {
    ...ours,
    tlogs: [...ours.tlogs, ...theirs.tlogs],
    certificateAuthorities: [...ours.certificateAuthorities, ...theirs.certificateAuthorities],
    timestampAuthorities: [...ours.timestampAuthorities, ...theirs.timestampAuthorities],
    ctlogs: [...ours.ctlogs, ...theirs.ctlogs],
  };
  return { ...system, trustedRoot, trustedRootBytes: utf8(JSON.stringify(trustedRoot)) };
}

/** A trust system of its own, whose log has another name. */
export async function systemWithLog(origin: string): Promise<TestTrustSystem> {
  const made = await testTrustSystem();
  const keyId = { keyId: base64(logKeyId(origin, made.logSigner)) };
  const [tlog] = made.trustedRoot.tlogs;
  const tlogs = [{ ...tlog!, baseUrl: `https://${origin}`, logId: keyId, checkpointKeyId: keyId }];
  const trustedRoot = { ...made.trustedRoot, tlogs } as Root;
  return { ...made, origin, trustedRoot, trustedRootBytes: utf8(JSON.stringify(trustedRoot)) };
}
