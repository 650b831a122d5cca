import { CountersignError } from '../errors.ts';
import type { ReasonCode } from '../names.ts';

type Reason = readonly [code: ReasonCode, message: string];

const corrupt: Reason = ['LEDGER_CORRUPT', 'The ledger is damaged.'];
const missing: Reason = [
  'LEDGER_MISSING',
  'There is no ledger here. A used key does not start a second log.',
];
const busy: Reason = ['LEDGER_LOCKED', 'Another process holds the ledger.'];
const readOnly: Reason = ['LEDGER_READ_ONLY', 'The ledger’s database takes no writes from this user.'];
const refused: Reason = [
  'LEDGER_UNAVAILABLE',
  'The ledger’s database refuses this user, or its password is wrong or missing.',
];

/** By SQLSTATE, whole or by class (https://www.postgresql.org/docs/current/errcodes-appendix.html). */
const reasons: Readonly<Record<string, Reason>> = {
  '55P03': busy,
  '40001': busy,
  '40P01': busy,
  '25006': readOnly,
  '42501': readOnly,
  '3D000': missing,
  '3F000': missing,
  '42P01': missing,
  '53100': ['LEDGER_FULL', 'There is no space left for the ledger.'],
  '53300': ['LEDGER_UNAVAILABLE', 'The ledger’s database takes no more connections.'],
  '23': ['LEDGER_CORRUPT', 'The ledger holds rows that its head does not account for.'],
  '28': refused,
  XX001: corrupt,
  XX002: corrupt,
};

/** These say that the server gave up, not that it refused: the transaction may have ended either way. */
const unclear = /^(?:08|57P|58|XX|40003)/;

/**
 * Anything that the driver threw, in this project's codes. Its text stays behind: it may quote a row, or a password. The
 * SQLSTATE alone goes along.
 */
export function postgresError(thrown: unknown): CountersignError {
  if (thrown instanceof CountersignError) return thrown;
  const state = sqlState(thrown);
  const options = state === undefined ? undefined : { cause: new Error(`PostgreSQL reported ${state}.`) };
  const [code, message] = (lacksPassword(thrown) ? refused : undefined) ??
    reasons[state ?? ''] ??
    reasons[state?.slice(0, 2) ?? ''] ?? [
      'LEDGER_UNAVAILABLE',
      state === undefined
        ? 'The ledger’s database cannot be reached, or the connection to it broke.'
        : `The ledger’s database failed (SQLSTATE ${state}).`,
    ];
  return new CountersignError(code, message, options);
}

/** The server asked for a password, and there was none to answer with: the driver's own refusal. */
function lacksPassword(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.message.startsWith('SASL');
}

/** Whether the server itself said, for certain, that the statement did not happen. */
export function isRefusal(thrown: unknown): boolean {
  if (thrown instanceof CountersignError) return true;
  const state = sqlState(thrown);
  return state !== undefined && !unclear.test(state);
}

/** The server's own code; undefined when it never answered. */
export function sqlState(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown) || !('severity' in thrown)) return undefined;
  return typeof thrown.code === 'string' && /^[0-9A-Z]{5}$/.test(thrown.code) ? thrown.code : undefined;
}
