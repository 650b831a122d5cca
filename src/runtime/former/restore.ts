import { chmodSync, constants, copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hex } from '../../call/sha256.ts';
import { CountersignError, systemCode } from '../../errors.ts';
import { livingInstances } from '../../ledger/instances-node.ts';
import {
  adoptLedgerCopy,
  foldLedgerFile,
  openLedgerCopy,
  syncFile,
} from '../../ledger/ledger-copy-sqlite.ts';
import type { LogHead } from '../../ledger/store.ts';
import { syncDirectory } from '../../ledger/sync-directory-node.ts';
import { withSuccessor } from '../../pki/trusted-root.ts';
import { assertFileLedger, type NamedHead } from './backup.ts';
import { readEndingLog, type LostHead } from './ending-log.ts';
import { homeLayout, keyFiles, type HomeLayout } from '../home/home-layout.ts';
import type { AfterStep } from '../keys/key-change.ts';
import { asKeyChanger } from '../keys/key-changers.ts';
import { keyFileTexts, passphraseOf } from '../keys/key-store.ts';
import { backupName, decideLogChange, formerNoteName, type FormerNote } from './log-change.ts';
import { makeNewKey } from '../keys/new-keys.ts';
import type { Home, HomeConfig } from '../home/open-home.ts';
import { openSuccessor } from './successor-log.ts';
import { readTrustRoot } from '../keys/trust-root.ts';

export interface RestoreOptions {
  /** The backup; without one the ledger that is in the home, wherever it came from. */
  readonly file?: string;
  readonly onProgress?: (done: number, total: number) => void;
  /** Where a test stops. */
  readonly after?: AfterStep;
}

export interface Restored {
  /** The new log. */
  readonly origin: string;
  /** The log that has ended, and its last head here. */
  readonly former: NamedHead;
  /** Absent when nothing is known to be missing; `unknown` when the record of released heads could not be read. */
  readonly lost?: LostHead | 'unknown';
  /** Allowed before, and nothing says what became of them: they may have run. */
  readonly openCalls: readonly string[];
  /** Whose pins and acceptances were carried over. */
  readonly servers: number;
  readonly tools: number;
}

/** The log's key and trust root start a little before its first entry, whose time is in whole seconds. */
const validBeforeMs = 60_000;

/**
 * Ends the home's log with the ledger that a backup holds, and begins another one: new origin, new key, and a first entry that
 * cites the old head. So what was signed after the backup, and what the old key could still sign, is never a second history of one
 * log. Nothing is overwritten, and a crash leaves the old home or the new one.
 *
 * HOME_IN_USE while anybody has the ledger open, LEDGER_CORRUPT when the backup is not one of this home's log, or is not whole.
 */
export function restoreLog(home: Home, options: RestoreOptions = {}): Promise<Restored> {
  assertFileLedger(home);
  // The new trust root is made of the one that is there: nobody else may change it meanwhile.
  return asKeyChanger(home.layout, () => restoreAlone(home, options));
}

async function restoreAlone(home: Home, options: RestoreOptions): Promise<Restored> {
  requireNobody(home.layout);
  const staged = makeStage(home.layout);
  try {
    return await restoreInto(staged, home, options);
  } finally {
    // Gone under this name once the change was decided; what was not decided means nothing.
    rmSync(staged.root, { recursive: true, force: true });
  }
}

async function restoreInto(staged: HomeLayout, home: Home, options: RestoreOptions): Promise<Restored> {
  const { layout } = home;
  const { file, after = () => undefined } = options;
  after('made the folder');
  const source = file === undefined ? layout.ledger : await takeBackup(file, staged);
  after('copied the backup');

  const { head, state, lost, tools: records } = await readEndingLog(home, source, options);
  const former: NamedHead = { origin: home.config.origin, treeSize: head.size, rootHash: hex(head.root) };
  const openCalls = state.openCalls();
  const config = newConfig(home.config);
  await stageHome(home, config, staged, head.lastTime);
  after('made the new key');
  const genesis = await openSuccessor(stagedHome(home, config, staged), {
    former,
    ...(lost !== undefined && lost !== 'unknown' && { lost }),
    openCalls,
    carried: state.carried({ ...former }),
    tools: records,
  });
  writeFile(staged.config, { ...config, genesis });
  after('opened the new log');

  removeOtherKeys(staged);
  writeFile(join(staged.root, formerNoteName), noteOf(former.origin, file));
  // Names are durable before the folder gets its own.
  for (const path of [join(staged.keys, keyFiles.log), staged.ledger]) syncDirectory(path);
  const checked = file === undefined ? head : undefined;
  decideLogChange(layout, staged.root, () => requireUnchanged(layout, checked), after);
  const { servers, tools } = state;
  return { origin: config.origin, former, ...(lost && { lost }), openCalls, servers, tools };
}

function requireNobody({ instances }: HomeLayout): void {
  const living = livingInstances(instances).length;
  if (living === 0) return;
  throw new CountersignError(
    'HOME_IN_USE',
    `The ledger is open in ${living === 1 ? 'another process' : `${living} other processes`}: stop all gates of this home first.`,
  );
}

/** Asked when no process can begin any more: nobody came meanwhile, or was here and went. */
function requireUnchanged(layout: HomeLayout, checked: LogHead | undefined): void {
  requireNobody(layout);
  if (checked === undefined) return;
  foldLedgerFile(layout.ledger, (size) => {
    if (size === checked.size) return;
    throw new CountersignError('HOME_IN_USE', 'The log went on while it was being restored: start again.');
  });
}

/** A folder of an earlier try that was stopped before its moment means nothing. */
function makeStage(layout: HomeLayout): HomeLayout {
  const root = `${layout.logChange}.new`;
  rmSync(root, { recursive: true, force: true });
  // Space that is held back for the home's outcomes is the home's.
  const staged = { ...homeLayout(root), ballast: layout.ballast };
  for (const folder of [root, staged.keys, staged.released, staged.instances])
    mkdirSync(folder, { mode: 0o700 });
  return staged;
}

/** What is checked is what is kept: from here on the operator's file is not looked at again. */
async function takeBackup(file: string, staged: HomeLayout): Promise<string> {
  const path = join(staged.root, backupName);
  try {
    copyFileSync(file, path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  } catch (error) {
    const why = systemCode(error);
    throw new CountersignError('CONFIG_INVALID', `The backup ${file} cannot be read (${why}).`, {
      cause: error,
    });
  }
  chmodSync(path, 0o600);
  // Said of the copy before anything else is done with it: SQLite would take an empty file for a new database.
  await openLedgerCopy(path).close();
  adoptLedgerCopy(path);
  return path;
}

function newConfig(config: HomeConfig): HomeConfig {
  const id = hex(crypto.getRandomValues(new Uint8Array(8)));
  return { ...config, origin: `log-${id}.${config.trustDomain}`, genesis: '' };
}

function stagedHome({ passphrase }: Home, config: HomeConfig, layout: HomeLayout): Home {
  return { layout, config, ...(passphrase && { passphrase }) };
}

/** Keys and trust root of the new log, with the home's other keys beside them, which sign its first statements. */
async function stageHome(
  home: Home,
  config: HomeConfig,
  staged: HomeLayout,
  lastTime: number,
): Promise<void> {
  const now = Date.now();
  const key = await makeNewKey('log', config, now - validBeforeMs);
  for (const name of readdirSync(home.layout.keys)) {
    if (name !== keyFiles.log) copyFileSync(join(home.layout.keys, name), join(staged.keys, name));
  }
  for (const [name, text] of Object.entries(keyFileTexts(key.files, passphraseOf(home)))) {
    writeFileSync(join(staged.keys, name), text, { mode: 0o600, flag: 'wx', flush: true });
  }
  // A second more: the log's last time is what its statements say, and stamps are of whole seconds.
  const end = Math.max(now, lastTime + 1_000);
  writeFile(staged.trustedRoot, withSuccessor(readTrustRoot(home.layout), key.trusted, end));
}

function removeOtherKeys({ keys }: HomeLayout): void {
  for (const name of readdirSync(keys)) if (name !== keyFiles.log) rmSync(join(keys, name));
  syncFile(join(keys, keyFiles.log));
}

function noteOf(origin: string, file: string | undefined): FormerNote {
  return { origin, inPlace: file === undefined ? 'ledger.sqlite' : 'set-aside.sqlite' };
}

function writeFile(path: string, value: object): void {
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600, flag: 'wx', flush: true });
}
