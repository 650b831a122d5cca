import { z } from 'zod';
import { deviceIdPlaces } from '../../identity/possession/certificate.ts';

const authority = z
  .string()
  .min(1)
  .describe(
    'A PEM file with the CA certificates that are believed, relative to this file; or the PEM itself.',
  );
const text = z.string().min(1).max(512);
const trustDomain = z
  .string()
  .regex(/^[a-z0-9._-]{1,255}$/, 'must be a SPIFFE trust domain such as example.org, without spiffe://');

/** `identity.certificates`: whose client certificates say which agent or device calls. */
export const certificatesSchema = z.strictObject({
  agents: z
    .array(
      z.strictObject({
        authority,
        trustDomain: trustDomain.describe('Its certificates name agents of this trust domain alone.'),
        tenant: text.optional().describe('Whose its agents are; of every tenant unless told.'),
      }),
    )
    .max(64)
    .default([])
    .describe('Whose X.509-SVIDs say which agent calls.'),
  devices: z
    .array(
      z.strictObject({
        authority,
        tenant: text.default('default').describe('Whose its devices are; default unless told.'),
        trust: text.default('managed').describe('What policy reads in device.trust; managed unless told.'),
        id: z
          .enum(deviceIdPlaces)
          .default('uri')
          .describe('Where the device’s id stands: the one URI among its names unless told.'),
      }),
    )
    .max(64)
    .default([])
    .describe('Whose certificates say which device calls. Never one that certifies agents.'),
});

export type CertificatesConfig = z.output<typeof certificatesSchema>;
