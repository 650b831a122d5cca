import { statSync } from 'node:fs';
import { CountersignError } from '../../errors.ts';
import { createCertificateVerifier } from '../../identity/possession/certificate.ts';
import type { Evidence } from '../../identity/evidence.ts';
import type { CertificateVerifier } from '../../identity/possession/possession.ts';
import type { Home } from '../home/open-home.ts';
import { readWorkloadCertificate } from './workload-authority.ts';

/**
 * Certificates of the home's own authority. It names agents without a tenant, so all of them are of the home's: an API key of another
 * one does not go with them.
 */
export function enrolledVerifier(
  { trustDomain, tenant }: Pick<Home['config'], 'trustDomain' | 'tenant'>,
  certificate: Uint8Array,
): CertificateVerifier {
  return createCertificateVerifier({ agents: [{ roots: [certificate], trustDomain, tenant }], devices: [] });
}

/**
 * Evidence in which the home's own authority is believed of agents, beside those of the configuration, from the moment on at which it is
 * made: that may be while a gate runs.
 */
export function trustEnrolled(evidence: Evidence, home: Home): Evidence {
  const { certificates: configured } = evidence;
  const own = verifierOf(home, configured);
  return {
    ...evidence,
    // Where nobody is believed of certificates they are not looked at.
    get certificates() {
      const enrolled = own();
      return enrolled && configured ? either(enrolled, configured) : (enrolled ?? configured);
    },
  } as Evidence;
}

/** Every call asks. Milliseconds for which the file is not looked at again. */
const lookEvery = 50;

function verifierOf(
  { layout, config }: Home,
  configured: CertificateVerifier | undefined,
): () => CertificateVerifier | undefined {
  let held: { readonly stamp: string; readonly verifier: CertificateVerifier | undefined } | undefined;
  let lookedAt = -Infinity;
  return () => {
    const now = performance.now();
    if (held !== undefined && now - lookedAt < lookEvery) return held.verifier;
    lookedAt = now;
    const stamp = stampOf(layout.workloadAuthority);
    if (held?.stamp !== stamp) {
      const certificate = readWorkloadCertificate(layout);
      if (certificate && configured?.isDeviceRoot(certificate) === true) throw bothAgentsAndDevices();
      held = { stamp, verifier: certificate && enrolledVerifier(config, certificate) };
    }
    return held.verifier;
  };
}

function either(one: CertificateVerifier, other: CertificateVerifier): CertificateVerifier {
  return {
    async verify(leaf, chain, now) {
      try {
        return await one.verify(leaf, chain, now);
      } catch (error) {
        if (!(error instanceof CountersignError) || error.code !== 'CERTIFICATE_UNTRUSTED') throw error;
        return other.verify(leaf, chain, now);
      }
    },
    isDeviceRoot: (authority) => one.isDeviceRoot(authority) || other.isDeviceRoot(authority),
  };
}

function bothAgentsAndDevices(): CountersignError {
  return new CountersignError(
    'CONFIG_INVALID',
    'identity.certificates.devices has the home’s own authority of agents: devices need another one.',
  );
}

function stampOf(file: string): string {
  const found = statSync(file, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? '' : `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
}
