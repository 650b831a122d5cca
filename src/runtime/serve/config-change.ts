import { CountersignError } from '../../errors.ts';
import type { RecordChange } from '../../gate/changes.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { ServeSettings } from './serve-settings.ts';

/** A gateway whose configuration is another than the last one says so in the log, before it serves by it. */
export async function recordConfiguration(
  ledger: Ledger,
  recordChange: RecordChange,
  { digest, declared, policy }: Pick<ServeSettings, 'digest' | 'declared' | 'policy'>,
): Promise<void> {
  const key = 'configuration/gateway';
  // Its own digest says nothing of the policy files that it names.
  const value = `${digest} ${policy.digest}`;
  for (;;) {
    const before = (await ledger.heads([key])).get(key) ?? null;
    if (before === value) return;
    try {
      await recordChange({
        change: {
          kind: 'configuration',
          configuration: { digest: { sha256: digest } },
          policy: { id: policy.id, digest: { sha256: policy.digest } },
          actions: [...declared.actions].map(([name, { definition }]) => ({
            name,
            definition: { sha256: definition.sha256 },
          })),
        },
        expects: [{ key, value: before }],
        sets: [{ key, value }],
      });
      return;
    } catch (error) {
      // Another gateway of this home has just said its own.
      if (!(error instanceof CountersignError) || error.code !== 'LEDGER_CONFLICT') throw error;
    }
  }
}
