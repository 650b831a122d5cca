import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CountersignError } from '../../errors.ts';
import { syncDirectory } from '../../ledger/sync-directory-node.ts';
import { homeLayout, keyFiles, type HomeLayout } from '../home/home-layout.ts';
import type { AfterStep } from '../keys/key-change.ts';

/**
 * A home begins another log: ledger, key, trust root and configuration change together. So the new ones are made in a folder
 * beside, which is a home of its own, and gets its name in one step: that is the moment of the change. Then everything is moved to
 * its place, and what was there into `former/`. Whoever opens the home moves what is left: a crash after the moment is only a
 * delay, and one before it leaves the old home, and a folder without meaning.
 */

/** What the folder says of the log that has ended: `former.json`. */
export interface FormerNote {
  readonly origin: string;
  /** How its folder calls the ledger that is in the home now: another name when a backup becomes the former ledger. */
  readonly inPlace: 'ledger.sqlite' | 'set-aside.sqlite';
}

export const formerNoteName = 'former.json';
/** The backup, in the folder of the change. */
export const backupName = 'former.sqlite';

const nothing: AfterStep = () => undefined;

/**
 * Makes the change that is prepared in `staged` happen, unless `veto`, which is asked once no other process can begin to use the
 * home any more, throws.
 */
export function decideLogChange(
  layout: HomeLayout,
  staged: string,
  veto: () => void,
  after: AfterStep = nothing,
): void {
  alone(layout, () => {
    renameSync(staged, layout.logChange);
    try {
      veto();
    } catch (refusal) {
      renameSync(layout.logChange, staged);
      throw refusal;
    }
    syncDirectory(layout.logChange);
    after('decided');
    moveAll(layout, after);
  });
}

/** Moves what a decided change has left to move. */
export function finishLogChange(layout: HomeLayout, after: AfterStep = nothing): void {
  if (!existsSync(layout.logChange)) return;
  alone(layout, () => {
    if (existsSync(layout.logChange)) moveAll(layout, after);
  });
}

/**
 * For whoever has just become a user of the home, by what it read before: HOME_IN_USE when its log changes at this moment. Either
 * they see the change here, or the change sees them.
 */
export function assertNoLogChange({ logChange }: HomeLayout): void {
  if (!existsSync(logChange)) return;
  throw new CountersignError('HOME_IN_USE', 'The log of this home is being restored: start again.');
}

/** As long as a new thing has not been moved, what lies at its place is the old one: so each step can be done over. */
function moveAll(layout: HomeLayout, after: AfterStep): void {
  const staged = homeLayout(layout.logChange);
  const { origin, inPlace } = readNote(join(staged.root, formerNoteName));
  const former = join(layout.former, origin);
  mkdirSync(former, { recursive: true, mode: 0o700 });
  if (existsSync(staged.released)) {
    moveIfThere(layout.released, join(former, 'released'));
    after('moved the old released checkpoints');
    renameSync(staged.released, layout.released);
    after('moved the new released checkpoints');
  }
  if (existsSync(staged.ledger)) {
    for (const suffix of ['', '-wal', '-shm']) {
      moveIfThere(layout.ledger + suffix, join(former, inPlace) + suffix);
      after(`moved the old ledger${suffix}`);
    }
    renameSync(staged.ledger, layout.ledger);
    after('moved the new ledger');
  }
  moveIfThere(join(staged.root, backupName), join(former, 'ledger.sqlite'));
  after('moved the backup');
  // What the old log's key could still sign would be another history of it.
  moveIfThere(join(staged.keys, keyFiles.log), join(layout.keys, keyFiles.log));
  after('replaced the log’s key');
  rmSync(layout.logKeyChange, { recursive: true, force: true });
  moveIfThere(staged.trustedRoot, layout.trustedRoot);
  after('replaced the trust root');
  moveIfThere(staged.config, layout.config);
  after('replaced the configuration');
  for (const folder of [former, layout.former, layout.keys, layout.root]) syncDirectory(join(folder, 'any'));
  finished(layout.logChange);
  after('finished');
}

/** First the name goes: half a folder would be taken for a change. */
function finished(folder: string): void {
  const done = `${folder}.done`;
  rmSync(done, { recursive: true, force: true });
  renameSync(folder, done);
  rmSync(done, { recursive: true, force: true });
}

function readNote(path: string): FormerNote {
  const note = JSON.parse(readFileSync(path, 'utf8')) as Partial<FormerNote>;
  if (typeof note.origin !== 'string' || !isOrigin(note.origin) || note.inPlace === undefined)
    throw new CountersignError('HOME_INVALID', `${path} is not what a restore writes.`);
  return { origin: note.origin, inPlace: note.inPlace };
}

/** An origin that may name a folder: the host names that homes make. */
export function isOrigin(origin: string): boolean {
  return /^[a-z0-9](?:[a-z0-9-]*\.)*[a-z0-9-]+$/.test(origin);
}

/** Two that finish one change at once would each take the other's new things for old ones. */
function alone(layout: HomeLayout, act: () => void): void {
  mkdirSync(layout.former, { recursive: true, mode: 0o700 });
  const path = join(layout.former, '.lock');
  closeSync(openSync(path, 'a', 0o600));
  const db = new DatabaseSync(path, { timeout: lockTimeout });
  try {
    db.exec('BEGIN EXCLUSIVE');
    act();
  } finally {
    db.close();
  }
}

/** Milliseconds. Files are moved, and never copied. */
const lockTimeout = 30_000;

function moveIfThere(from: string, to: string): void {
  if (existsSync(from)) renameSync(from, to);
}
