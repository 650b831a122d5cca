import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { base64, fromBase64 } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import type { LogEntry } from '../../ledger/ledger.ts';
import { syncDirectory } from '../../ledger/sync-directory-node.ts';
import type { HomeLayout } from './home-layout.ts';

/**
 * A home whose log goes on elsewhere says so in a file of its own: from then on its ledger here is never opened again, as two
 * ledgers under one key would be two histories. The file keeps the log's first entry, which the other ledger begins with.
 */

export type FirstEntry = Pick<LogEntry, 'time' | 'leaf' | 'payload' | 'timestamp'>;

interface MovedLogFile {
  /** False while it is not certain yet that nobody uses the ledger here. */
  readonly decided: boolean;
  readonly first: {
    readonly time: number;
    readonly leaf: string;
    readonly payload: string;
    readonly timestamp: string;
  };
}

/** The first entry of a log that is kept elsewhere; undefined for one that is kept here. */
export function readMovedLog({ movedLog }: HomeLayout): FirstEntry | undefined {
  if (!existsSync(movedLog)) return undefined;
  const { decided, first } = JSON.parse(readFileSync(movedLog, 'utf8')) as MovedLogFile;
  if (!decided) return undefined;
  const bytes = (text: string): Uint8Array => {
    const found = fromBase64(text);
    if (found === undefined) throw new CountersignError('HOME_INVALID', `${movedLog} cannot be read.`);
    return found;
  };
  return {
    time: first.time,
    leaf: bytes(first.leaf),
    payload: bytes(first.payload),
    timestamp: bytes(first.timestamp),
  };
}

/**
 * Keeps everybody else out first, and then asks `veto`, which throws when somebody is in already. So either they see the file, or
 * `veto` sees them.
 */
export async function moveLog(
  layout: HomeLayout,
  first: FirstEntry,
  veto: () => Promise<void>,
): Promise<void> {
  const { movedLog } = layout;
  writeMovedLog(movedLog, first, false);
  try {
    await veto();
  } catch (refusal) {
    rmSync(movedLog);
    throw refusal;
  }
  writeMovedLog(movedLog, first, true);
}

/** Takes back what a crash left undecided: nothing has left the home yet. */
export function forgetUndecidedMove(layout: HomeLayout): void {
  if (readMovedLog(layout) === undefined) rmSync(layout.movedLog, { force: true });
}

/** For whoever has just become a user of the home: HOME_IN_USE when its log is kept elsewhere. */
export function assertLogNotMoved({ movedLog }: HomeLayout): void {
  if (!existsSync(movedLog)) return;
  throw new CountersignError(
    'HOME_IN_USE',
    `The log of this home is kept by a Cloudflare Worker, as ${movedLog} says: here it is not opened any more.`,
  );
}

function writeMovedLog(path: string, { time, leaf, payload, timestamp }: FirstEntry, decided: boolean): void {
  const file: MovedLogFile = {
    decided,
    first: { time, leaf: base64(leaf), payload: base64(payload), timestamp: base64(timestamp) },
  };
  writeFileSync(`${path}.new`, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
  syncDirectory(path);
}
