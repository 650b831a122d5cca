import { realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

const root = 0;
const sticky = 0o1000;
const writableByOthers = 0o022;

/**
 * Why somebody else than `owners` and root could put another file in the place of those in `directory`, as a sentence; undefined
 * when nobody could. As sshd does with `StrictModes`, every folder on the way up is looked at: who may write one of them
 * can move what is below it away. A folder above may be open to all where it is sticky, as `/tmp` is; the folder itself may not,
 * since there the first to come owns the name.
 */
export function whoElseMayReplace(directory: string, owners: readonly number[]): string | undefined {
  const place = realpathSync(directory);
  for (let at = place; ; at = dirname(at)) {
    const { uid, mode } = statSync(at);
    if (uid !== root && !owners.includes(uid))
      return `the folder ${at} belongs to another user (uid ${uid}).`;
    const isKept = at !== place && (mode & sticky) !== 0;
    if ((mode & writableByOthers) !== 0 && !isKept)
      return `others may write the folder ${at}. Take that from them with: chmod go-w ${at}`;
    if (at === dirname(at)) return undefined;
  }
}

/** The user that this process acts as; undefined where the system knows no user ids. */
export function effectiveUser(): number | undefined {
  return process.geteuid?.();
}
