import { hex } from '../../call/bytes.ts';
import { DerReader, tag, type DerElement } from '../../pki/der.ts';
import { decodeAscii, decodeOid, decodeUtf8 } from '../../pki/der-values.ts';
import { oids } from '../../pki/oids.ts';
import { keyUsage, type Certificate } from '../../pki/parse-certificate.ts';

/** Which certificates may do what (RFC 5280 §4.2, X509-SVID §4). Signatures and dates are not looked at here. */

/** Extensions that these rules heed. A critical one beside them says something that nobody here would follow. */
const heeded: ReadonlySet<string> = new Set([
  oids.basicConstraints,
  oids.keyUsage,
  oids.extendedKeyUsage,
  oids.subjectAltName,
]);

/** Whether a certificate may stand for somebody who connects, and can issue none itself. */
export function isClientLeaf(certificate: Certificate): boolean {
  const usage = certificate.keyUsage ?? 0;
  return (
    !certificate.isCa &&
    certificate.pathLength === undefined &&
    (usage & keyUsage.digitalSignature) !== 0 &&
    (usage & (keyUsage.keyCertSign | keyUsage.crlSign)) === 0 &&
    isForClients(certificate) &&
    isUnderstood(certificate)
  );
}

/** Whether a certificate may issue one that has so many issuers of its own below it. */
export function mayIssue(certificate: Certificate, below: number): boolean {
  return (
    certificate.isCa &&
    ((certificate.keyUsage ?? 0) & keyUsage.keyCertSign) !== 0 &&
    (certificate.pathLength === undefined || certificate.pathLength >= below) &&
    isForClients(certificate) &&
    isUnderstood(certificate)
  );
}

/** Whether an issuer that says of which trust domain it is says this one; it has no path (X509-SVID §3.1). */
export function isOfTrustDomain({ san }: Certificate, trustDomain: string): boolean {
  return san === undefined || san.uris.every((uri) => uri === `spiffe://${trustDomain}`);
}

/** One URI among its names, whatever other names there are; undefined for none, and for two. */
export function onlyUri({ san }: Certificate): string | undefined {
  const [uri, ...others] = san?.uris ?? [];
  return others.length === 0 && uri !== '' ? uri : undefined;
}

/** The serial number, lower-case hexadecimal. */
export function serialOf({ serial }: Certificate): string {
  return hex(serial[0] === 0 ? serial.subarray(1) : serial);
}

const maxNames = 32;
const printableString = 0x13;

/** The one common name of the subject; undefined for none, for two, and for one that has characters of another age. */
export function commonNameOf({ subject }: Certificate): string | undefined {
  const [name, ...others] = new DerReader(subject)
    .enter(tag.sequence)
    .all(tag.set, maxNames)
    .flatMap(({ content }) => new DerReader(content).all(tag.sequence, maxNames))
    .flatMap(({ content }) => {
      const fields = new DerReader(content);
      return decodeOid(fields.read(tag.oid)) === oids.commonName ? [fields.next()] : [];
    });
  return name === undefined || others.length > 0 ? undefined : textOf(name);
}

function textOf(name: DerElement): string | undefined {
  const text =
    name.tag === tag.utf8String
      ? decodeUtf8(name)
      : name.tag === printableString
        ? decodeAscii(name)
        : undefined;
  return text === '' || /\p{Cc}/u.test(text ?? '') ? undefined : text;
}

/** Without the extension for every purpose; with it for those that it names, and no other. */
function isForClients({ extendedKeyUsage }: Certificate): boolean {
  return extendedKeyUsage === undefined || extendedKeyUsage.includes(oids.clientAuth);
}

function isUnderstood({ extensions }: Certificate): boolean {
  return extensions.every(({ critical, oid }) => !critical || heeded.has(oid));
}
