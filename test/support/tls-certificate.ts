import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A gateway's certificate for this machine, made by openssl, that is its own authority. */
export interface TlsCertificate {
  readonly certificateFile: string;
  readonly keyFile: string;
  /** PEM. */
  readonly ca: string;
}

export function makeTlsCertificate(folder: string): TlsCertificate {
  const [certificateFile, keyFile] = [join(folder, 'tls.pem'), join(folder, 'tls.key.pem')];
  const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1';
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-days', '2'],
      ...['-subj', '/CN=gate', '-addext', names, '-keyout', keyFile, '-out', certificateFile],
    ],
    { stdio: 'ignore' },
  );
  return { certificateFile, keyFile, ca: readFileSync(certificateFile, 'utf8') };
}
