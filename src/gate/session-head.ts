import { CountersignError } from '../errors.ts';

/** Where an open session stands, as its head in the ledger says. */
export interface SessionHead {
  /** The gate instance that numbers the session. */
  readonly instance: string;
  /** The next statement's number: how many there are. */
  readonly seq: number;
  /** Hex digest of the newest statement. */
  readonly prev: string;
}

/** Open sessions are the heads under this prefix; closing one removes its head. */
export const sessionHeadPrefix = 'session/';

export function sessionHeadKey(id: string): string {
  return sessionHeadPrefix + id;
}

export function encodeSessionHead({ instance, seq, prev }: SessionHead): string {
  return `${instance} ${seq} ${prev}`;
}

export function parseSessionHead(text: string): SessionHead {
  const match = /^(\S+) (\d+) ([0-9a-f]{64})$/.exec(text);
  if (!match)
    throw new CountersignError('LEDGER_CORRUPT', 'The ledger holds a session head that cannot be read.');
  return { instance: match[1] ?? '', seq: Number(match[2]), prev: match[3] ?? '' };
}
