import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CountersignError } from '../../errors.ts';
import type { Evidence } from '../../identity/evidence.ts';
import { readJwks } from '../../identity/jwks.ts';
import { loadFromUrl } from '../../identity/jwks-url.ts';
import { declareIdentity, type AnyIssuer } from '../config/declare-identity.ts';
import type { IdentityConfig } from '../config/identity-schema.ts';

/** What the section `identity` comes to, and the files that it names. */
export interface DeclaredIdentity {
  readonly evidence: Evidence;
  readonly files: readonly string[];
}

/**
 * The section `identity` of a configuration in this folder. Files with keys are read at once, so that a wrong one is noticed before
 * it serves; URLs are asked when the first token comes.
 *
 * @throws CountersignError `CONFIG_INVALID`
 */
export function readIdentity(config: IdentityConfig | undefined, folder: string): DeclaredIdentity {
  const issuers = [...(config?.humans ?? []), ...(config?.devices ?? [])];
  return {
    evidence: declareIdentity(config, (issuer) => loaderOf(issuer, folder)),
    files: issuers.flatMap(({ keys }) => ('file' in keys ? [resolve(folder, keys.file)] : [])),
  };
}

function loaderOf({ issuer, keys, algorithms }: AnyIssuer, folder: string): () => Promise<Uint8Array> {
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
