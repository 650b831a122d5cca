import { statSync } from 'node:fs';
import { CountersignError } from '../errors.ts';

/**
 * Which file this is: inode and time of birth, which a copy or a restored backup does not share. Writing to the file, renaming
 * it, and moving it within its file system keep both. Null when there is no file.
 */
export function fileIdentity(path: string): string | null {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? null : `${stat.ino}/${stat.birthtimeNs}`;
}

/** LEDGER_MISSING when the ledger is gone from its path, LEDGER_COPIED when another file than `expected` is there. */
export function assertSameFile(path: string, expected: string): void {
  const found = fileIdentity(path);
  if (found === null)
    throw new CountersignError(
      'LEDGER_MISSING',
      'The ledger is no longer there. A used key does not start a second log.',
    );
  if (found !== expected)
    throw new CountersignError(
      'LEDGER_COPIED',
      'The ledger is a copy of the file that it was made as. Two copies would sign two histories. To go on with this one, as ' +
        'another log that cites it: countersign log restore --in-place',
    );
}
