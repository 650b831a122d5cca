import { z } from 'zod';

/** `listen.tls`: TLS on the gateway itself. */
export const tlsSchema = z.strictObject({
  certificate: z
    .string()
    .min(1)
    .describe(
      'A PEM file with the certificate of this gateway and its intermediates, relative to this file.',
    ),
  key: z.string().min(1).describe('A PEM file with its private key, likewise.'),
  clients: z
    .enum(['none', 'optional', 'required'])
    .default('none')
    .describe('Whether client certificates are asked for; required refuses every connection without one.'),
});

export type TlsConfig = z.output<typeof tlsSchema>;
