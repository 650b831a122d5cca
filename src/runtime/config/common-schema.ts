import { z } from 'zod';

const units = { ms: 1, s: 1_000, m: 60_000 } as const;

/** `500ms`, `10s`, `2m`: milliseconds. */
export const durationSchema = z
  .string()
  .regex(/^[1-9][0-9]{0,5}(?:ms|s|m)$/, 'must be a duration such as 500ms, 10s or 2m')
  .transform((text) => {
    const [, count, unit] = /^([0-9]+)(ms|s|m)$/.exec(text) ?? [];
    return Number(count) * units[unit as keyof typeof units];
  });

export const headersSchema = z
  .record(z.string().regex(/^[A-Za-z0-9-]+$/, 'must be the name of a header'), z.string())
  .default({});
