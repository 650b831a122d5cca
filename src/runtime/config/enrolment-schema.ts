import { z } from 'zod';

const units = { s: 1_000, m: 60_000, h: 3_600_000 } as const;
const shortest = 5 * units.s;
const longest = 24 * units.h;

const lifetime = z
  .string()
  .regex(/^[1-9][0-9]{0,4}[smh]$/, 'must be a time such as 10m or 1h')
  .transform((text) => Number.parseInt(text, 10) * units[text.slice(-1) as keyof typeof units])
  .refine((ms) => ms >= shortest && ms <= longest, 'must be from 5s to 24h');

/** `identity.enrolment`: certificates that agents get from the gateway itself. */
export const enrolmentSchema = z.strictObject({
  lifetime: lifetime
    .default(units.h)
    .describe('How long each counts; 1h unless told. A revoked agent gets no other one.'),
});

/** What holds where the configuration says nothing of it. */
export const defaultEnrolment: z.output<typeof enrolmentSchema> = { lifetime: units.h };
