import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { hex, sha256, utf8 } from '../../call/sha256.ts';
import { CountersignError, systemCode } from '../../errors.ts';
import type { TlsConfig } from '../config/tls-schema.ts';

/** What a gateway shows of itself, and asks of its clients. */
export interface TlsMaterial {
  /** PEM: its certificate and the intermediates. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;
  readonly clients: TlsConfig['clients'];
  /** Absolute: where both were read. */
  readonly files: readonly [certificate: string, key: string];
  /** Of both contents: whether they are others by now. */
  readonly digest: string;
}

/**
 * Reads the files of `listen.tls`, which are relative to `folder`.
 *
 * @throws CountersignError `CONFIG_INVALID` for files that cannot be read, are no PEM, or do not belong together.
 */
export function readTlsMaterial(config: TlsConfig, folder: string): TlsMaterial {
  const files = [resolve(folder, config.certificate), resolve(folder, config.key)] as const;
  const [certificate, key] = [read(files[0]), read(files[1])];
  try {
    createSecureContext({ cert: certificate, key });
  } catch (cause) {
    throw new CountersignError(
      'CONFIG_INVALID',
      `${files.join(' and ')} are no certificate in PEM and its private key without a passphrase.`,
      { cause },
    );
  }
  return { certificate, key, clients: config.clients, files, digest: hex(sha256(utf8(certificate + key))) };
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const why = systemCode(cause);
    throw new CountersignError('CONFIG_INVALID', `The file ${file} of listen.tls cannot be read (${why}).`, {
      cause,
    });
  }
}
