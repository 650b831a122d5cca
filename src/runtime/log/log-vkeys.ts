import { readFileSync } from 'node:fs';
import { logKeysOf } from '../../evidence/audit-head.ts';
import { formatVkey } from '../../tlog/vkey.ts';
import { loadTrust } from '../../verify/trust.ts';
import type { HomeLayout } from '../home/home-layout.ts';

/**
 * The keys that sign a home's log at `now` (wall milliseconds), as witnesses take them, in the order of its trust root. One that
 * has ended is left out: whoever finds it some day must not be able to speak for the log.
 */
export async function logVkeys(
  { trustedRoot }: Pick<HomeLayout, 'trustedRoot'>,
  now: number,
): Promise<readonly string[]> {
  const trust = await loadTrust(Uint8Array.from(readFileSync(trustedRoot)));
  const transparencyLogs = trust.transparencyLogs.filter(({ validFor }) => now <= validFor.end);
  return logKeysOf({ ...trust, transparencyLogs }).map(formatVkey);
}
