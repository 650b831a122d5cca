import { CountersignError } from '../errors.ts';
import type { ReasonCode } from '../names.ts';

/** Primary result codes (https://sqlite.org/rescode.html). */
const busy = 5;
const locked = 6;
const ioError = 10;
const protocol = 15;

/** READONLY_DBMOVED: the file was renamed or removed under the connection. */
const moved = 1_032;

const reasons: Readonly<Record<number, readonly [code: ReasonCode, message: string]>> = {
  3: ['LEDGER_READ_ONLY', 'The ledger may not be written by this user.'],
  [busy]: ['LEDGER_LOCKED', 'Another process holds the ledger.'],
  [locked]: ['LEDGER_LOCKED', 'Another connection holds the ledger.'],
  8: ['LEDGER_READ_ONLY', 'The ledger is read-only.'],
  [ioError]: ['LEDGER_UNAVAILABLE', 'The ledger’s disk reported an error.'],
  11: ['LEDGER_CORRUPT', 'The ledger is damaged.'],
  13: ['LEDGER_FULL', 'There is no space left for the ledger.'],
  14: ['LEDGER_UNAVAILABLE', 'The ledger or its directory cannot be opened.'],
  [protocol]: ['LEDGER_LOCKED', 'Other processes hold the ledger.'],
  19: ['LEDGER_CORRUPT', 'The ledger holds rows that its head does not account for.'],
  26: ['LEDGER_CORRUPT', 'The ledger is not a database.'],
};

/** What SQLite reported, in this project's codes. */
export function ledgerError(thrown: unknown): CountersignError {
  if (thrown instanceof CountersignError) return thrown;
  const errcode = sqliteCode(thrown);
  if (errcode === moved)
    return new CountersignError('LEDGER_MISSING', 'The ledger is no longer where it was opened.', {
      cause: thrown,
    });
  const [code, message] = reasons[(errcode ?? ioError) & 0xff] ?? [
    'LEDGER_UNAVAILABLE',
    'The ledger failed.',
  ];
  return new CountersignError(code, message, { cause: thrown });
}

/** Whether trying again, a little later, can help. */
export function isBusy(thrown: unknown): boolean {
  const code = (sqliteCode(thrown) ?? 0) & 0xff;
  return code === busy || code === locked || code === protocol;
}

/** For what SQLite answers with a row that says busy, and not with an error. */
export function wasBusy(): Error {
  return Object.assign(new Error('Others are in the way.'), { errcode: busy });
}

/** Whether a failed COMMIT leaves it open what is on the disk: an I/O error does, a full disk does not. */
export function leavesOutcomeUnknown(thrown: unknown): boolean {
  return ((sqliteCode(thrown) ?? ioError) & 0xff) === ioError;
}

/** The extended result code, if SQLite threw. */
function sqliteCode(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || !('errcode' in thrown)) return undefined;
  return typeof thrown.errcode === 'number' ? thrown.errcode : undefined;
}
