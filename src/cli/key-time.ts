import { parseInstant } from '../runtime/home/instant.ts';
import { parseDuration } from './duration.ts';
import { usage } from './report.ts';

/** The last time that RFC 3339 can write. */
const latest = Date.UTC(10_000, 0) - 1;

/** When a key ends, as `--expires` says it, in UTC. Misuse when that is no time, or over already. */
export function expiryOf(text: string, now: number): string {
  const life = parseDuration(text);
  const end = life === undefined ? parseInstant(text) : now + life;
  if (end === undefined || end > latest)
    throw usage('--expires takes a time such as 12h, 90d or 2027-01-31T00:00:00Z.');
  if (end <= now) throw usage('--expires takes a time that is still to come.');
  return new Date(end).toISOString();
}
