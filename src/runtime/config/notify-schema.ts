import { z } from 'zod';
import { durationSchema, headersSchema } from './common-schema.ts';

const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** A notice says who did what: it crosses no network in the clear, and carries no password in its address. */
const url = z.string().refine((text) => {
  const { protocol, hostname, username, password, hash } = URL.parse(text) ?? {};
  const isSafe = protocol === 'https:' || (protocol === 'http:' && loopback.test(hostname ?? ''));
  return isSafe && username === '' && password === '' && hash === '';
}, 'must be an https URL without a user and “#”; http is for this machine alone');

const recipient = z.strictObject({
  url: url.describe('Where notices are posted: https, or http on this machine. Redirects are not followed.'),
  headers: headersSchema.describe(
    'Sent along, credentials included: ${env:NAME} keeps them out of this file.',
  ),
  timeout: durationSchema
    .refine((ms) => ms <= 60_000, 'is at most a minute')
    .default(5_000)
    .describe('How long one try may take, such as 5s.'),
});

export const notifySchema = z
  .record(
    z
      .string()
      .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must be small letters, digits, dots, dashes and underscores'),
    recipient,
  )
  .default({});

/** Recipients by the name that rules know them by. Durations are milliseconds. */
export type NotifyConfig = z.output<typeof notifySchema>;
