import { base64, base64url, equalBytes } from '../../call/bytes.ts';
import { sha256 } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import { parseCertificate, type Certificate } from '../../pki/parse-certificate.ts';
import { trustDomainOf } from '../agent-id.ts';
import { findPath, type CertificatePath } from './certificate-path.ts';
import {
  commonNameOf,
  isClientLeaf,
  isOfTrustDomain,
  mayIssue,
  onlyUri,
  serialOf,
} from './certificate-rules.ts';
import type { CertificateHolder, CertificateVerifier, VerifiedCertificate } from './possession.ts';

/** Where the id of a device stands in its certificate. */
export const deviceIdPlaces = ['uri', 'subject-cn', 'serial'] as const;
export type DeviceIdPlace = (typeof deviceIdPlaces)[number];

/** Authorities for the agents of one trust domain. */
export interface AgentAuthority {
  /** DER of CA certificates. */
  readonly roots: readonly Uint8Array[];
  readonly trustDomain: string;
  /** Absent where its agents are of every tenant. */
  readonly tenant?: string;
}

/** Authorities for devices. */
export interface DeviceAuthority {
  /** DER of CA certificates. */
  readonly roots: readonly Uint8Array[];
  readonly tenant: string;
  /** What is stated of its devices. */
  readonly trust: string;
  readonly id: DeviceIdPlace;
}

export interface CertificateAuthorities {
  readonly agents: readonly AgentAuthority[];
  readonly devices: readonly DeviceAuthority[];
}

type Authority =
  | { readonly kind: 'agent'; readonly of: AgentAuthority }
  | { readonly kind: 'device'; readonly of: DeviceAuthority };
type Anchor = Authority & { readonly certificate: Certificate };

/** A path that was found, and who is at its end. */
interface Found extends Pick<CertificatePath<Anchor>, 'from' | 'until'> {
  readonly holder: CertificateHolder;
}

/** How far an issuer's clock may be ahead of ours. The end is exact. */
const skewMs = 30_000;
const maxIntermediates = 8;
const rememberedLeaves = 1_024;

/**
 * Verifies client certificates: X.509-SVIDs of agents, and those of devices. Agents and devices have roots of their own (threats 21):
 * whoever can certify a laptop must not be able to certify an agent.
 *
 * @throws CountersignError `CONFIG_INVALID` for a root that is no CA certificate that can be read here, and for a key that is a root
 * of two.
 */
export function createCertificateVerifier(authorities: CertificateAuthorities): CertificateVerifier {
  const anchors = readAnchors(authorities);
  const remembered = new Map<string, Found>();
  const remember = (thumbprint: string, found: Found): void => {
    const [oldest] = remembered.keys();
    if (remembered.size >= rememberedLeaves && oldest !== undefined) remembered.delete(oldest);
    remembered.set(thumbprint, found);
  };

  return {
    async verify(leaf, chain, now) {
      const thumbprint = base64url(sha256(leaf));
      const known = remembered.get(thumbprint);
      if (known !== undefined && isWithin(known, now)) return verified(known, thumbprint);
      // An issuer may have been renewed since: another path may count.
      remembered.delete(thumbprint);
      const found = await findHolder(readLeaf(leaf), readChain(chain), anchors, now);
      if (!isWithin(found, now))
        throw new CountersignError('CERTIFICATE_EXPIRED', 'The client certificate does not count now.');
      remember(thumbprint, found);
      return verified(found, thumbprint);
    },
    isDeviceRoot(authority) {
      const { spki } = parseCertificate(authority);
      return anchors.some(({ kind, certificate }) => kind === 'device' && equalBytes(certificate.spki, spki));
    },
  };
}

function verified({ holder, until }: Found, thumbprint: string): VerifiedCertificate {
  return { holder, thumbprint, expiresAt: until };
}

function isWithin({ from, until }: Pick<Found, 'from' | 'until'>, now: number): boolean {
  return from <= now + skewMs && now <= until;
}

/** As an agent of the trust domain that it names, or else as a device; a path that has ended only where there is no other. */
async function findHolder(
  leaf: Certificate,
  intermediates: readonly Certificate[],
  anchors: readonly Anchor[],
  now: number,
): Promise<Found> {
  if (!isClientLeaf(leaf)) throw untrusted();
  const id = onlyUri(leaf);
  const trustDomain = id === undefined ? undefined : trustDomainOf(id);
  const asked = [
    anchors.filter(({ kind, of }) => kind === 'agent' && of.trustDomain === trustDomain),
    anchors.filter(({ kind }) => kind === 'device'),
  ];
  const found: Found[] = [];
  for (const among of asked.filter(({ length }) => length > 0)) {
    const path = await findPath(leaf, {
      anchors: among,
      intermediates,
      isAdmitted: (issuer) => isAdmitted(issuer, among, anchors),
      isWithin: (span) => isWithin(span, now),
    });
    const holder = path && holderOf(path.anchor, leaf);
    if (path !== undefined && holder !== undefined)
      found.push({ holder, from: path.from, until: path.until });
  }
  const best = found.find((each) => isWithin(each, now)) ?? found[0];
  if (best === undefined) throw untrusted();
  return best;
}

/** Whoever is a root of others is nobody's intermediate: one root certifying another would make one of the two. */
function isAdmitted(issuer: Certificate, among: readonly Anchor[], all: readonly Anchor[]): boolean {
  const same = ({ certificate }: Anchor): boolean => equalBytes(certificate.spki, issuer.spki);
  if (all.some(same) && !among.some(same)) return false;
  return among.every(({ kind, of }) => kind !== 'agent' || isOfTrustDomain(issuer, of.trustDomain));
}

function holderOf(anchor: Anchor, leaf: Certificate): CertificateHolder | undefined {
  if (anchor.kind === 'agent') {
    const { trustDomain, tenant } = anchor.of;
    const id = onlyUri(leaf) ?? '';
    return { kind: 'agent', id, issuer: `spiffe://${trustDomain}`, ...(tenant !== undefined && { tenant }) };
  }
  const { trust, tenant, id: place } = anchor.of;
  const id = deviceIds[place](leaf);
  return id === undefined ? undefined : { kind: 'device', id, trust, tenant };
}

const deviceIds: Readonly<Record<DeviceIdPlace, (leaf: Certificate) => string | undefined>> = {
  uri: onlyUri,
  'subject-cn': commonNameOf,
  serial: serialOf,
};

function readLeaf(der: Uint8Array): Certificate {
  try {
    return parseCertificate(der);
  } catch (cause) {
    throw new CountersignError(
      'CERTIFICATE_MALFORMED',
      'The client certificate is none of X.509 v3 in strict DER.',
      { cause },
    );
  }
}

/** What of the rest can be read. Of what cannot, no path leads anywhere. */
function readChain(chain: readonly Uint8Array[]): readonly Certificate[] {
  return chain.slice(0, maxIntermediates).flatMap((der) => {
    try {
      return [parseCertificate(der)];
    } catch {
      return [];
    }
  });
}

function readAnchors({ agents, devices }: CertificateAuthorities): readonly Anchor[] {
  const given: readonly Authority[] = [
    ...agents.map((of) => ({ kind: 'agent', of }) as const),
    ...devices.map((of) => ({ kind: 'device', of }) as const),
  ];
  const anchors = given.flatMap((each) =>
    each.of.roots.map((root): Anchor => ({ ...each, certificate: readRoot(root) })),
  );
  const places = new Map<string, Anchor>();
  for (const anchor of anchors) {
    const key = base64(anchor.certificate.spki);
    const other = places.get(key);
    if (other !== undefined && other.of !== anchor.of) throw wrong(sharedRoot(anchor, other));
    places.set(key, anchor);
  }
  return anchors;
}

function sharedRoot(one: Authority, other: Authority): string {
  return one.kind === other.kind
    ? `one root is given for two authorities of ${one.kind}s`
    : 'one root is given for agents and for devices, which need roots of their own';
}

function readRoot(der: Uint8Array): Certificate {
  let root: Certificate;
  try {
    root = parseCertificate(der);
  } catch (cause) {
    throw wrong('a root is no X.509 v3 certificate in strict DER', cause);
  }
  if (!mayIssue(root, 0)) throw wrong('a root is no CA that may issue client certificates');
  return root;
}

function untrusted(): CountersignError {
  return new CountersignError(
    'CERTIFICATE_UNTRUSTED',
    'The client certificate is none that an authority of this gateway has issued for a client.',
  );
}

function wrong(why: string, cause?: unknown): CountersignError {
  return new CountersignError('CONFIG_INVALID', `These authorities cannot be used: ${why}.`, { cause });
}
