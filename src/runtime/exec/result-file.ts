import { randomUUID } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { CountersignError, systemCode } from '../../errors.ts';

/** A file that will say what came of a command. */
export interface ResultFile {
  /** Throws INTERNAL when there is no room for it any more. */
  write(text: string): void;
  /** Leaves nothing behind, where there was nothing to say. */
  discard(): void;
}

/**
 * Opened before anything runs, so that a place which cannot be written is found then. What an earlier run left there goes away at
 * once: nobody may take it for this one's. The text appears whole or not at all, readable for its user alone. Throws USAGE.
 */
export function openResultFile(file: string): ResultFile {
  const draft = `${file}.${randomUUID()}.tmp`;
  let open: number;
  try {
    const found = lstatSync(file, { throwIfNoEntry: false });
    if (found && !found.isFile()) throw misuse(file, 'is no file');
    open = openSync(draft, 'wx', 0o600);
    rmSync(file, { force: true });
  } catch (error) {
    if (error instanceof CountersignError) throw error;
    throw misuse(file, `cannot be written (${systemCode(error)})`);
  }
  let isOpen = true;
  const close = (): void => {
    if (isOpen) closeSync(open);
    isOpen = false;
  };
  return {
    write(text) {
      try {
        // Whatever ran meanwhile may have found the draft.
        ftruncateSync(open);
        writeFileSync(open, text);
        fsyncSync(open);
        close();
        renameSync(draft, file);
      } catch (error) {
        const why = `${file} could not be written (${systemCode(error)}), but the call is in the log.`;
        throw new CountersignError('INTERNAL', why, { cause: error });
      }
    },
    discard() {
      if (!isOpen) return;
      close();
      rmSync(draft, { force: true });
    },
  };
}

function misuse(file: string, why: string): CountersignError {
  return new CountersignError('USAGE', `${file} ${why}.`);
}
