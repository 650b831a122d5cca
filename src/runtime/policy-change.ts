import type { RecordChange } from '../gate/changes.ts';
import { CountersignError } from '../errors.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Policy } from '../policy/policy.ts';

/** A gate that starts with another policy than the last one of its server says so in the log, before it decides. */
export async function recordPolicy(
  ledger: Ledger,
  recordChange: RecordChange,
  server: string,
  policy: Pick<Policy, 'id' | 'digest'>,
): Promise<void> {
  const key = `policy/${server}`;
  const value = (await ledger.heads([key])).get(key) ?? null;
  if (value === policy.digest) return;
  try {
    await recordChange({
      change: {
        kind: 'policy',
        server: { name: server },
        policy: { id: policy.id, digest: { sha256: policy.digest } },
      },
      expects: [{ key, value }],
      sets: [{ key, value: policy.digest }],
    });
  } catch (error) {
    // Another gate of the same server has just said it; should it be another policy, both are in the log.
    if (!(error instanceof CountersignError) || error.code !== 'LEDGER_CONFLICT') throw error;
    await recordPolicy(ledger, recordChange, server, policy);
  }
}
