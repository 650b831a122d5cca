import type { Ledger } from '../../ledger/ledger.ts';
import { compilePolicy } from '../../policy/compile.ts';
import type { PolicySource } from '../../policy/policy.ts';
import { readTileFiles } from '../log/tile-files.ts';
import { exportedHistory } from './exported-history.ts';
import { recordedCalls, type RecordedCallsOptions } from './recorded-calls.ts';
import { simulate, type Simulation } from './simulate.ts';

export type { Change, Simulation } from './simulate.ts';

/** Replays a log under a policy. POLICY_INVALID before anything is read. */
export function simulatePolicy(
  ledger: Pick<Ledger, 'checkpoint' | 'entries' | 'side'>,
  sources: readonly PolicySource[],
  { keep, ...options }: RecordedCallsOptions & { readonly keep: number },
): Promise<Simulation> {
  const policy = compilePolicy(sources);
  return simulate(policy, recordedCalls(ledger, options), { keep });
}

/** The same of an exported log in a folder, with the inputs that somebody disclosed. */
export function simulateExport(
  directory: string,
  openings: string | undefined,
  sources: readonly PolicySource[],
  options: RecordedCallsOptions & { readonly keep: number },
): Promise<Simulation> {
  return simulatePolicy(exportedHistory(readTileFiles(directory), openings), sources, options);
}
