import { CountersignError, systemCode } from '../errors.ts';
import { ledgerError } from './store-sqlite-errors.ts';

const systemReasons: Readonly<
  Record<string, readonly ['LEDGER_MISSING' | 'LEDGER_READ_ONLY' | 'LEDGER_FULL' | 'HOME_EXISTS', string]>
> = {
  ENOENT: ['LEDGER_MISSING', 'There is no ledger here. A used key does not start a second log.'],
  ENOTDIR: ['LEDGER_MISSING', 'There is no ledger here. A used key does not start a second log.'],
  EACCES: ['LEDGER_READ_ONLY', 'The ledger or its directory may not be written by this user.'],
  EPERM: ['LEDGER_READ_ONLY', 'The ledger or its directory may not be written by this user.'],
  EROFS: ['LEDGER_READ_ONLY', 'The ledger is on a file system that is mounted read-only.'],
  ENOSPC: ['LEDGER_FULL', 'There is no space left for the ledger.'],
  EDQUOT: ['LEDGER_FULL', 'There is no quota left for the ledger.'],
  EEXIST: ['HOME_EXISTS', 'There is a ledger here already.'],
};

/** Any failure to open or make a file of the ledger, as the reason that an operator can do something about. */
export function fileError(thrown: unknown): CountersignError {
  const code = thrown instanceof Error && 'syscall' in thrown ? systemCode(thrown) : '';
  const [reason, message] = systemReasons[code] ?? [];
  return reason === undefined || message === undefined
    ? ledgerError(thrown)
    : new CountersignError(reason, message, { cause: thrown });
}
