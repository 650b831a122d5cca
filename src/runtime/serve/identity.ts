import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { hex, sha256, utf8 } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import type { Evidence } from '../../identity/evidence.ts';
import { readJwks } from '../../identity/tokens/jwks.ts';
import { loadFromUrl } from '../../identity/tokens/jwks-url.ts';
import { authorityFiles, declareCertificates } from '../config/declare-certificates.ts';
import { declareEvents } from '../config/declare-events.ts';
import { declareIdentity, type PublishedKeys } from '../config/declare-identity.ts';
import type { EventTransmitter } from '../../identity/events/security-event.ts';
import type { IdentityConfig } from '../config/identity-schema.ts';

/** What the section `identity` comes to, and the files that it names. */
export interface DeclaredIdentity {
  readonly evidence: Evidence;
  /** Who may tell of what has ended. */
  readonly transmitters: readonly EventTransmitter[];
  readonly files: readonly string[];
  /** Of the certificates of authorities, hex SHA-256: whether they are others by now. */
  readonly authorities: string;
}

/**
 * The section `identity` of a configuration in this folder. Files with keys are read at once, so that a wrong one is noticed before
 * it serves; URLs are asked when the first token comes.
 *
 * @throws CountersignError `CONFIG_INVALID`
 */
export function readIdentity(config: IdentityConfig | undefined, folder: string): DeclaredIdentity {
  const issuers = config ? [...config.humans, ...config.agents, ...config.devices, ...config.events] : [];
  const authorities = config ? authorityFiles(config.certificates) : [];
  const read = (file: string): string => readAuthority(resolve(folder, file));
  return {
    evidence: {
      ...declareIdentity(config, (issuer) => loaderOf(issuer, folder)),
      ...(config && declareCertificates(config.certificates, read)),
    },
    transmitters: declareEvents(config, (issuer) => loaderOf(issuer, folder)),
    files: [
      ...issuers.flatMap(({ keys }) => ('file' in keys ? [resolve(folder, keys.file)] : [])),
      ...authorities.map((file) => resolve(folder, file)),
    ],
    authorities: hex(sha256(utf8(authorities.map(read).join('\n')))),
  };
}

function readAuthority(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new CountersignError('CONFIG_INVALID', `The authority ${file} cannot be read.`, { cause });
  }
}

function loaderOf({ issuer, keys, algorithms }: PublishedKeys, folder: string): () => Promise<Uint8Array> {
  if ('url' in keys) return loadFromUrl(keys.url, fetch);
  const file = resolve(folder, keys.file);
  try {
    readJwks(readFileSync(file), algorithms);
  } catch (error) {
    const why = error instanceof CountersignError ? error.message : 'It cannot be read.';
    throw new CountersignError('CONFIG_INVALID', `${file}, the keys of ${issuer}: ${why}`, { cause: error });
  }
  return () => readFile(file);
}
