import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../../errors.ts';
import { syncDirectory } from '../../ledger/sync-directory-node.ts';
import type { HomeLayout } from '../home/home-layout.ts';

/**
 * A change of keys touches several files, and a crash between two of them must not leave keys that the trust root does not name.
 * So the new files are written into a folder beside, which gets its name in one step: that is the moment of the change. Then each
 * file is moved to its place. Whoever opens the home moves what is left, so a crash after the moment is only a delay, and one
 * before it leaves the old home and a folder without meaning.
 */
export interface KeyChange {
  /** Files under `keys/`, by name. */
  readonly keys: Readonly<Record<string, string>>;
  readonly trustedRoot?: string;
  readonly compromised?: string;
  /** The certificate of the authority for agents. */
  readonly workloadAuthority?: string;
  /** What the log is still to be told: see `key-event.ts`. */
  readonly event?: string;
}

/** Where a change stops in a test of crashes. Nothing else gives one. */
export type AfterStep = (step: string) => void;

const nothing: AfterStep = () => undefined;

/**
 * Makes the change happen, after one that is not finished. `undecided`: it happens only when `decideLogKeyChange` says so. Whoever
 * calls this holds the lock of `key-changers.ts`.
 */
export function stageKeyChange(
  layout: HomeLayout,
  change: KeyChange,
  { undecided = false, after = nothing }: { undecided?: boolean; after?: AfterStep | undefined } = {},
): void {
  finishKeyChange(layout);
  dropLogKeyChange(layout);
  const target = undecided ? layout.logKeyChange : layout.keyChange;
  const draft = `${target}.new`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { mode: 0o700 });
  for (const [name, text] of Object.entries(filesOf(change))) {
    writeFileSync(join(draft, name), text, { mode: 0o600, flag: 'wx', flush: true });
    after(`wrote ${name}`);
  }
  syncDirectory(join(draft, 'any'));
  renameSync(draft, target);
  syncDirectory(target);
  after(undecided ? 'staged' : 'decided');
}

/** The ledger has the new key: from here on the change happens. */
export function decideLogKeyChange(layout: HomeLayout, after: AfterStep = nothing): void {
  moveIfThere(layout.logKeyChange, layout.keyChange);
  syncDirectory(layout.keyChange);
  after('decided');
}

/** The ledger never got the new key. */
function dropLogKeyChange(layout: HomeLayout): void {
  rmSync(layout.logKeyChange, { recursive: true, force: true });
}

/** Moves what a decided change has left to move. Several processes may do so at once: each file is moved by one of them. */
export function finishKeyChange(layout: HomeLayout, after: AfterStep = nothing): void {
  if (!existsSync(layout.keyChange)) return;
  for (const [name, target] of placesOf(layout, namesIn(layout.keyChange))) {
    moveIfThere(join(layout.keyChange, name), target);
    after(`moved ${name}`);
  }
  syncDirectory(join(layout.keys, 'any'));
  syncDirectory(layout.keyChange);
  removeEmpty(layout.keyChange);
  after('finished');
}

const [trustedRootName, compromisedName, workloadAuthorityName, eventName] = [
  'trusted_root.json',
  'compromised.json',
  'workload-ca.pem',
  'key-event.json',
];

function filesOf(change: KeyChange): Record<string, string> {
  const { keys, trustedRoot, compromised, workloadAuthority, event } = change;
  return {
    ...(trustedRoot !== undefined && { [trustedRootName]: trustedRoot }),
    ...(compromised !== undefined && { [compromisedName]: compromised }),
    ...(workloadAuthority !== undefined && { [workloadAuthorityName]: workloadAuthority }),
    ...(event !== undefined && { [eventName]: event }),
    ...keys,
  };
}

/** In the order in which they are moved: a trust root names the old keys as well, so keys never come before it. */
function placesOf(layout: HomeLayout, names: readonly string[]): readonly (readonly [string, string])[] {
  const special: readonly (readonly [string, string])[] = [
    [trustedRootName, layout.trustedRoot],
    [compromisedName, layout.compromised],
    [workloadAuthorityName, layout.workloadAuthority],
    [eventName, layout.keyEvent],
  ];
  const first = special.filter(([name]) => names.includes(name));
  const keys = names.filter((name) => !special.some(([other]) => other === name));
  return [...first, ...keys.map((name) => [name, join(layout.keys, name)] as const)];
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Another process that opened the home may have been faster. */
function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** Not with what is in it: that would be another change, decided meanwhile. */
function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Whoever opens the home next removes it.
  }
}

function isMissing(error: unknown): boolean {
  return systemCode(error) === 'ENOENT';
}
