import { createPrivateKey, randomUUID, X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CountersignError, systemCode } from '../../errors.ts';
import { syncDirectory } from '../../ledger/sync-directory-node.ts';
import { parseCertificate, type Certificate } from '../../pki/parse-certificate.ts';
import { parsePem, toPem } from '../../pki/parse-pem.ts';

/**
 * A workload's identity on its own machine. Key and certificate are one file, which is replaced in one step: whoever reads it in
 * the middle of a renewal has the one pair or the other, never a key with another's certificate.
 */

/** The file with private key and certificate, in this order: what most TLS software takes for both. */
export const identityFile = (folder: string): string => join(folder, 'identity.pem');
/** What the certificate chains to: for whoever is shown it. */
export const authorityFile = (folder: string): string => join(folder, 'authority.pem');
/** A key that a certificate was asked for, until it is there: the same request can be made again. */
const pendingFile = (folder: string): string => join(folder, 'pending.key.pem');

export interface ClientIdentity {
  /** PEM. */
  readonly privateKey: string;
  readonly certificate: string;
  /** SPIFFE ID. */
  readonly agent: string;
  /** Wall milliseconds. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/**
 * Reads a folder's identity, and again after it was renewed. CONFIG_INVALID when there is none, or others can read it. Whether it
 * is still valid is the caller's to ask.
 */
export function identityIn(folder: string): () => ClientIdentity {
  const file = identityFile(folder);
  let held: { readonly stamp: string; readonly identity: ClientIdentity } | undefined;
  return () => {
    const stamp = stampOf(file);
    if (held?.stamp !== stamp) held = { stamp, identity: parseIdentity(file, readFileSync(file, 'utf8')) };
    return held.identity;
  };
}

/** As `identityIn`; CERTIFICATE_EXPIRED, with what to do, once it has ended. */
export function validIdentityIn(folder: string, now: () => number = Date.now): () => ClientIdentity {
  const read = identityIn(folder);
  return () => {
    const identity = read();
    if (now() < identity.notAfter) return identity;
    throw new CountersignError(
      'CERTIFICATE_EXPIRED',
      `The certificate in ${folder} ended at ${new Date(identity.notAfter).toISOString()}; nothing ran. Enrol anew: countersign enroll`,
    );
  };
}

/** Puts a new pair in the place of the former one. CONFIG_INVALID when the folder cannot be written. */
export function writeIdentity(
  folder: string,
  { privateKey, certificate, authority }: { privateKey: string; certificate: string; authority: string },
): void {
  try {
    makePrivateFolder(folder);
    replace(authorityFile(folder), authority);
    replace(identityFile(folder), privateKey + certificate);
    rmSync(pendingFile(folder), { force: true });
    syncDirectory(identityFile(folder));
  } catch (error) {
    throw unwritable(folder, error);
  }
}

/**
 * The key that a certificate is asked for next: made by `generate`, PEM, unless one waits already. It is on disk before it is used, as
 * the answer may be lost when the gate has issued the certificate.
 */
export function pendingKey(folder: string, generate: () => string): string {
  const file = pendingFile(folder);
  try {
    makePrivateFolder(folder);
    writeFileSync(file, generate(), { mode: 0o600, flag: 'wx', flush: true });
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw unwritable(folder, error);
  }
  return readPrivate(file);
}

function makePrivateFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
}

function replace(file: string, text: string): void {
  const draft = `${file}.${randomUUID()}.tmp`;
  try {
    writeFileSync(draft, text, { mode: 0o600, flag: 'wx', flush: true });
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

function parseIdentity(file: string, text: string): ClientIdentity {
  const [key, leaf, ...more] = parsePem(text) ?? [];
  const certificate = leaf?.label === 'CERTIFICATE' ? readCertificate(leaf.der) : undefined;
  const agent = certificate?.san?.uris[0];
  if (
    key === undefined ||
    leaf === undefined ||
    certificate === undefined ||
    agent === undefined ||
    more.length > 0
  )
    throw new CountersignError('CONFIG_INVALID', `${file} is not a private key and a certificate in PEM.`);
  const identity = { privateKey: toPem('PRIVATE KEY', key.der), certificate: toPem('CERTIFICATE', leaf.der) };
  assertPair(file, identity);
  return { ...identity, agent, notBefore: certificate.notBefore, notAfter: certificate.notAfter };
}

function readCertificate(der: Uint8Array): Certificate | undefined {
  try {
    return parseCertificate(der);
  } catch {
    return undefined;
  }
}

function assertPair(
  file: string,
  { privateKey, certificate }: Pick<ClientIdentity, 'privateKey' | 'certificate'>,
): void {
  let isPair = false;
  try {
    isPair = new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey));
  } catch {
    // The parser's own message may quote what it read.
  }
  if (!isPair)
    throw new CountersignError('CONFIG_INVALID', `The key in ${file} is not that of the certificate.`);
}

function stampOf(file: string): string {
  const { ino, size, mtimeNs, ctimeNs } = statPrivate(file);
  return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

function readPrivate(file: string): string {
  statPrivate(file);
  return readFileSync(file, 'utf8');
}

/** As with SSH keys: what others can read is no secret, so it is not used. */
function statPrivate(file: string) {
  const found = statSync(file, { bigint: true, throwIfNoEntry: false });
  if (found === undefined)
    throw new CountersignError('CONFIG_INVALID', `There is no ${file}. Get one with: countersign enroll`);
  if (process.platform !== 'win32' && (found.mode & 0o077n) !== 0n)
    throw new CountersignError(
      'CONFIG_INVALID',
      `Others can read ${file}. Make it private with: chmod 600 ${file}`,
    );
  return found;
}

function unwritable(folder: string, error: unknown): CountersignError {
  return new CountersignError('CONFIG_INVALID', `${folder} cannot be written (${systemCode(error)}).`, {
    cause: error,
  });
}
