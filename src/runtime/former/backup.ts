import { readFileSync } from 'node:fs';
import { hex } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import { logKeysOf } from '../../evidence/audit-head.ts';
import { copyLedgerFile, openLedgerCopy } from '../../ledger/ledger-copy-sqlite.ts';
import type { VerifierKey } from '../../tlog/vkey.ts';
import { loadTrust } from '../../verify/trust.ts';
import { checkLedger, type CheckOptions } from './check-ledger.ts';
import type { HomeLayout } from '../home/home-layout.ts';
import { openHomeLedger } from '../home/home-ledger.ts';
import type { Home } from '../home/open-home.ts';

/** A log's newest head, as people compare it. */
export interface NamedHead {
  readonly origin: string;
  readonly treeSize: number;
  /** Hex. */
  readonly rootHash: string;
}

export interface BackupProgress {
  /** `copied`: pages; `checked`: entries. */
  readonly onProgress: (stage: 'copied' | 'checked', done: number, total: number) => void;
}

/**
 * Copies the home's ledger to a new file while gates go on, and checks the copy before it gets its name. Whoever holds it reads
 * what the ledger holds beside the log: plaintext and salts as policy keeps them, and no key.
 */
export async function backUp(home: Home, target: string, { onProgress }: BackupProgress): Promise<NamedHead> {
  assertFileLedger(home);
  // Opened as a gate opens it: a ledger that was set back, or is a copy, is not what a backup is made of.
  const { close } = await openHomeLedger(home);
  await close();
  let head: NamedHead | undefined;
  const copied = (done: number, total: number): void => onProgress('copied', done, total);
  await copyLedgerFile(home.layout.ledger, target, copied, async (draft) => {
    head = await checkFile(draft, {
      logKeys: await homeLogKeys(home.layout),
      onProgress: (done, total) => onProgress('checked', done, total),
    });
  });
  if (head === undefined) throw new CountersignError('INTERNAL', 'A backup was not checked.');
  return head;
}

/** Checks the ledger in a file: see `checkLedger`. */
export async function checkFile(path: string, options: CheckOptions): Promise<NamedHead> {
  const store = openLedgerCopy(path);
  try {
    const { size, root } = await checkLedger(store, options);
    return { origin: store.identity.origin, treeSize: size, rootHash: hex(root) };
  } finally {
    await store.close();
  }
}

/** Every key that the home's trust root names for a log, those of former logs included. */
export async function homeLogKeys({ trustedRoot }: HomeLayout): Promise<readonly VerifierKey[]> {
  return logKeysOf(await loadTrust(Uint8Array.from(readFileSync(trustedRoot))));
}

/** CONFIG_INVALID where the ledger is a database: PostgreSQL copies itself better than we could. */
export function assertFileLedger({ config, ledger }: Home): void {
  if (config.ledger === undefined && ledger === undefined) return;
  throw new CountersignError(
    'CONFIG_INVALID',
    'This home’s ledger is in PostgreSQL, which has its own tools: pg_dump --schema=NAME, or point-in-time recovery. ' +
      'What to do with a database that was restored is in docs/backup.md.',
  );
}
