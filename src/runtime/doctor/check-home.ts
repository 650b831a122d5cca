import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemCode, toCountersignError } from '../../errors.ts';
import { assertLocalDisk } from '../../ledger/local-disk-node.ts';
import { effectiveUser, whoElseMayReplace } from '../file-guard.ts';
import type { HomeLayout } from '../home/home-layout.ts';
import { findings, type Finding } from './finding.ts';

const { ok, note, problem } = findings('home');

/** A clock that is this far behind what was written is not a matter of rounding. Milliseconds. */
const clockTolerance = 5_000;

/** Whether others can read or change a home, and whether it is where a log can live. Nothing is opened for writing. */
export function checkHome(layout: HomeLayout, now: number): readonly Finding[] {
  // Also where this user may not even look: then the gate is another one's.
  if (!existsSync(layout.config))
    return [note(layout.root, 'is no Countersign home. That is right where the gate runs as another user.')];
  try {
    const all = [...accessOf(layout), ...wayTo(layout), ...disk(layout), ...clock(layout, now)];
    return all.some(({ level }) => level === 'problem')
      ? all
      : [ok(layout.root, 'belongs to this user alone, and is on a local disk.'), ...all];
  } catch (error) {
    const code = systemCode(error);
    return [problem(layout.root, `cannot be looked at by this user (${code}).`)];
  }
}

function accessOf(layout: HomeLayout): readonly Finding[] {
  const keys = existsSync(layout.keys) ? readdirSync(layout.keys).map((name) => join(layout.keys, name)) : [];
  const secret = [layout.root, layout.keys, ...keys, layout.apiKeys, layout.ledger];
  const deciding = [
    layout.config,
    layout.trustedRoot,
    layout.policy,
    layout.settings,
    layout.workloadAuthority,
  ];
  return [
    ...secret.flatMap((path) => access(path, 0o077, 'read')),
    ...deciding.flatMap((path) => access(path, 0o022, 'change')),
  ];
}

/** @param others The bits of a mode that nobody else may have. */
export function access(path: string, others: number, verb: 'read' | 'change'): readonly Finding[] {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return [];
  const user = effectiveUser();
  if (user === undefined)
    return [note(path, 'This system has no modes to look at: see that nobody else may read it.')];
  const strange =
    found.uid !== user && found.uid !== 0
      ? [problem(path, `belongs to another user (uid ${found.uid}), who can do with it what he likes.`)]
      : [];
  const open = (found.mode & others) !== 0;
  const mend = verb === 'read' ? 'chmod go=' : 'chmod go-w';
  return open
    ? [...strange, problem(path, `others can ${verb} it. Take that from them with: ${mend} ${path}`)]
    : strange;
}

/** A home whose folder can be moved away can be replaced by another one. */
function wayTo({ root }: HomeLayout): readonly Finding[] {
  const user = effectiveUser();
  const stranger = user === undefined ? undefined : whoElseMayReplace(dirname(root), [user]);
  // Where everybody may write, and nobody may touch what is another's, a home that exists is safe.
  if (stranger === undefined || (statSync(dirname(root)).mode & 0o1000) !== 0) return [];
  return [problem(root, `could be replaced: ${stranger}`)];
}

function disk({ root }: HomeLayout): readonly Finding[] {
  try {
    assertLocalDisk(root);
    return [];
  } catch (error) {
    return [problem(root, toCountersignError(error, 'INTERNAL', 'Its file system cannot be told.').message)];
  }
}

/** A gate refuses to sign before its log’s last entry; the files of the home tell the same without opening it. */
function clock(layout: HomeLayout, now: number): readonly Finding[] {
  const created = Date.parse(
    (JSON.parse(readFileSync(layout.config, 'utf8')) as { createdAt: string }).createdAt,
  );
  const written = [layout.ledger, `${layout.ledger}-wal`, layout.released].flatMap(
    (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? [],
  );
  const latest = Math.max(created, ...written);
  if (!(latest > now + clockTolerance)) return [];
  const seconds = Math.round((latest - now) / 1_000);
  return [
    problem(
      'the clock',
      `is ${seconds} s behind what this home has written: a gate refuses to sign (CLOCK_BEHIND).`,
    ),
  ];
}
