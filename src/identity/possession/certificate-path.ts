import { equalBytes } from '../../call/bytes.ts';
import type { Certificate } from '../../pki/parse-certificate.ts';
import { mayIssue } from './certificate-rules.ts';
import { isSignedBy } from './certificate-signature.ts';

/** From a leaf up to who is believed by configuration. */
export interface CertificatePath<Anchor> {
  readonly anchor: Anchor;
  /** Wall milliseconds from when until when every certificate of it counts, both inclusive. */
  readonly from: number;
  readonly until: number;
}

export interface PathSearch<Anchor extends { readonly certificate: Certificate }> {
  readonly anchors: readonly Anchor[];
  /** What came with the leaf. */
  readonly intermediates: readonly Certificate[];
  /** Whether an issuer may be one of this path, beside what X.509 says. */
  readonly isAdmitted: (issuer: Certificate) => boolean;
  readonly isWithin: (path: Pick<CertificatePath<Anchor>, 'from' | 'until'>) => boolean;
}

/** Certificates above a leaf, the root among them. */
const maxAbove = 4;
/** Signatures that are checked for one leaf: whoever connects chooses how many could fit. */
const maxChecks = 16;

/**
 * The first path that counts now (RFC 5280 §6.1); or the first one that counted at another time; undefined when there is none. Of two
 * certificates of one issuer either may be the one that has not expired, so a path that has ended is not the end of the search.
 */
export async function findPath<Anchor extends { readonly certificate: Certificate }>(
  leaf: Certificate,
  search: PathSearch<Anchor>,
): Promise<CertificatePath<Anchor> | undefined> {
  let checks = 0;
  let ended: CertificatePath<Anchor> | undefined;

  const issued = async (issuer: Certificate, path: readonly Certificate[]): Promise<boolean> => {
    const last = path.at(-1) as Certificate;
    if (!isNamedBy(last, issuer) || !mayIssue(issuer, path.length - 1) || !search.isAdmitted(issuer))
      return false;
    checks += 1;
    return checks <= maxChecks && (await isSignedBy(last, issuer));
  };
  const climb = async (path: readonly Certificate[]): Promise<CertificatePath<Anchor> | undefined> => {
    for (const anchor of search.anchors) {
      if (!(await issued(anchor.certificate, path))) continue;
      const found = { anchor, ...spanOf([...path, anchor.certificate]) };
      if (search.isWithin(found)) return found;
      ended ??= found;
    }
    if (path.length >= maxAbove) return undefined;
    for (const intermediate of search.intermediates) {
      if (path.includes(intermediate) || !(await issued(intermediate, path))) continue;
      const found = await climb([...path, intermediate]);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return (await climb([leaf])) ?? ended;
}

/** Names choose whom to ask; the signature says whether it was so. */
function isNamedBy(certificate: Certificate, issuer: Certificate): boolean {
  const { authorityKeyId } = certificate;
  const { subjectKeyId } = issuer;
  return (
    equalBytes(certificate.issuer, issuer.subject) &&
    (authorityKeyId === undefined || subjectKeyId === undefined || equalBytes(authorityKeyId, subjectKeyId))
  );
}

function spanOf(path: readonly Certificate[]): { readonly from: number; readonly until: number } {
  return {
    from: Math.max(...path.map(({ notBefore }) => notBefore)),
    until: Math.min(...path.map(({ notAfter }) => notAfter)),
  };
}
