import { randomBytes } from '../call/random.ts';
import { hex } from '../call/sha256.ts';
import { parseToolPattern } from '../call/tool-pattern.ts';
import { CountersignError } from '../errors.ts';
import type { Revocation } from '../identity/revocation/revocation.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { RecordChange } from './changes.ts';
import {
  encodeRevocation,
  epochKey,
  parseRevocation,
  revokedKey,
  revokedPrefix,
  type RecordedRevocation,
  type Revoked,
  type RevokedByWhom,
} from './revocation-heads.ts';

export type { RecordedRevocation, Revoked, RevokedByWhom } from './revocation-heads.ts';

export interface RevokeParts {
  readonly ledger: Pick<Ledger, 'heads' | 'headsUnder'>;
  readonly recordChange: RecordChange;
  /** Wall milliseconds. */
  readonly now: () => number;
}

export interface RevocationOrder extends Revocation {
  readonly by: RevokedByWhom;
  /** For whoever reads the log: it is signed. At most 512 characters. */
  readonly reason?: string;
}

export interface Revoking {
  readonly revocation: RecordedRevocation;
  /** False when as much was revoked already: then nothing was logged. */
  readonly isNew: boolean;
}

/** Revocations at a time: every gate keeps all of them in memory. */
export const maxRevocations = 10_000;

const maxIdLength = 1_024;
const maxReasonLength = 512;
const attempts = 20;

/**
 * Takes something back: signed, logged and in force at once, so that what was decided before it and is not committed yet is
 * decided again. Of what is revoked for good, nothing is given back by revoking it again only `before` a time.
 *
 * @throws CountersignError `USAGE` for what cannot be revoked so; `TOO_LARGE` when there are `maxRevocations`, unless it is a key or
 * everything.
 */
export async function revoke(parts: RevokeParts, order: RevocationOrder): Promise<Revoking> {
  const wanted = checked(order);
  const key = revokedKey(wanted);
  return changing<Revoking>(parts, async (epoch) => {
    const heads = await parts.ledger.headsUnder(revokedPrefix);
    const head = heads.get(key);
    const former = head === undefined ? undefined : parseRevocation(head);
    if (former && covers(former, wanted)) return { done: { revocation: former, isNew: false } };
    if (!former && heads.size >= maxRevocations && wanted.kind !== 'key' && wanted.kind !== 'everything')
      throw full();
    const revocation = { ...wanted, revokedAt: new Date(parts.now()).toISOString() };
    return {
      done: { revocation, isNew: true },
      change: {
        change: { kind: 'revoked', ...statedRevocation(revocation) },
        expects: [epoch.expected, { key, value: head ?? null }],
        sets: [epoch.next, { key, value: encodeRevocation(revocation) }],
      },
    };
  });
}

/** Gives it back, whoever has revoked it: an operator's word counts more than an event's. False when it was not: then nothing was logged. */
export async function lift(
  parts: RevokeParts,
  revoked: Revoked & { readonly by: RevokedByWhom; readonly reason?: string },
): Promise<boolean> {
  const { kind, id, issuer, by, reason } = revoked;
  const isMeant = (each: Revoked): boolean => each.kind === kind && each.id === id && each.issuer === issuer;
  return changing(parts, async (epoch) => {
    const heads = [...(await parts.ledger.headsUnder(`${revokedPrefix}${kind}/`))];
    const meant = heads.filter(([, head]) => isMeant(parseRevocation(head)));
    if (meant.length === 0) return { done: false };
    return {
      done: true,
      change: {
        change: {
          kind: 'revocation-lifted',
          ...statedRevocation({ kind, id, by, ...given({ issuer, reason }) }),
        },
        expects: [epoch.expected, ...meant.map(([key, value]) => ({ key, value }))],
        sets: [epoch.next, ...meant.map(([key]) => ({ key, value: null }))],
      },
    };
  });
}

/** What is revoked now, the oldest first. */
export async function listRevocations(
  ledger: Pick<Ledger, 'headsUnder'>,
): Promise<readonly RecordedRevocation[]> {
  const heads = await ledger.headsUnder(revokedPrefix);
  return [...heads.values()]
    .map(parseRevocation)
    .sort((one, other) => Date.parse(one.revokedAt) - Date.parse(other.revokedAt));
}

interface Epoch {
  readonly expected: { readonly key: string; readonly value: string | null };
  readonly next: { readonly key: string; readonly value: string };
}

interface Step<T> {
  readonly done: T;
  readonly change?: Parameters<RecordChange>[0];
}

/** Makes the change that `step` comes to, and has it made anew while others are faster. */
export async function changing<T>(
  { ledger, recordChange }: RevokeParts,
  step: (epoch: Epoch) => Promise<Step<T>>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const value = (await ledger.heads([epochKey])).get(epochKey) ?? null;
    // Random, so that no epoch ever comes again: not even after everything was lifted.
    const next = { key: epochKey, value: hex(randomBytes(16)) };
    const { done, change } = await step({ expected: { key: epochKey, value }, next });
    if (change === undefined) return done;
    try {
      await recordChange(change);
      return done;
    } catch (error) {
      const lostRace = error instanceof CountersignError && error.code === 'LEDGER_CONFLICT';
      if (!lostRace || attempt === attempts) throw error;
    }
  }
}

/** Whether nothing more would be revoked by the other one. */
function covers({ before: former }: Revocation, { before: wanted }: Revocation): boolean {
  return former === undefined || (wanted !== undefined && Date.parse(wanted) <= Date.parse(former));
}

function statedRevocation({
  kind,
  id,
  issuer,
  before,
  by,
  reason,
}: Revocation & { readonly by: RevokedByWhom; readonly reason?: string }) {
  return {
    revocation: {
      kind,
      ...(kind !== 'everything' && { id }),
      ...given({ issuer, before }),
      by,
      ...given({ reason }),
    },
  };
}

/** Those that are there. */
function given<T extends Readonly<Record<string, string | undefined>>>(values: T) {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [Name in keyof T]?: string;
  };
}

function checked({
  kind,
  id,
  issuer,
  before,
  by,
  reason,
}: RevocationOrder): Omit<RecordedRevocation, 'revokedAt'> {
  assertId(kind, id);
  const isOfPerson = kind === 'human' || kind === 'session';
  if (issuer !== undefined && !(isOfPerson && isText(issuer, maxIdLength)))
    throw unfit('An issuer is told of a human or a session alone.');
  if (before !== undefined && !(isOfPerson && Number.isFinite(Date.parse(before))))
    throw unfit('A time is told of a human or a session alone, as in 2026-11-22T08:00:00Z.');
  if (reason !== undefined && !isText(reason, maxReasonLength))
    throw unfit(`A reason is one line of at most ${maxReasonLength} characters.`);
  const moment = before === undefined ? undefined : new Date(before).toISOString();
  return { kind, id, by, ...given({ issuer, before: moment, reason }) };
}

function assertId(kind: Revocation['kind'], id: string): void {
  if (kind === 'everything') {
    if (id !== '') throw unfit('Everything has no id.');
    return;
  }
  if (!isText(id, maxIdLength))
    throw unfit(`The id of what is revoked is one line of at most ${maxIdLength} characters.`);
  if (kind === 'agent' && !/^spiffe:\/\/[^/]+\/./.test(id))
    throw unfit('An agent is revoked by its SPIFFE ID, as in spiffe://example.org/agent/planner.');
  if (kind === 'tool') {
    try {
      parseToolPattern(id);
    } catch (error) {
      throw unfit(`The tool ${error instanceof Error ? error.message : 'is none'}.`);
    }
  }
}

function isText(text: string, maxLength: number): boolean {
  return text !== '' && text.length <= maxLength && text.isWellFormed() && !/\p{Cc}/u.test(text);
}

function unfit(message: string): CountersignError {
  return new CountersignError('USAGE', message);
}

function full(): CountersignError {
  return new CountersignError(
    'TOO_LARGE',
    `There are ${maxRevocations} revocations: lift what is not needed any more, or revoke the API key, or everything.`,
  );
}
