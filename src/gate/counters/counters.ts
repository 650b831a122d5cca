import { canonicalJson } from '../../call/canonical-json.ts';
import { isJsonObject, type Json } from '../../call/json.ts';
import { hex, sha256, utf8 } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import type { EntryDraft, Ledger } from '../../ledger/ledger.ts';
import type { CounterDemand } from './counter.ts';
import { createLocks } from './locks.ts';
import { freeAgain, slotOf, slotsWith, slotsWithin, sumOf, type Slots } from './slots.ts';

/** What a call took, so that it can be given back if nothing ran. */
export interface Taken {
  readonly head: string;
  /** When: wall milliseconds, the start of its slot. */
  readonly slot: number;
  readonly amount: number;
}

/** The heads that a draft compares and sets. */
export type HeadMoves = Pick<EntryDraft, 'expects' | 'sets'>;

export type Reservation =
  | ({ readonly granted: true; readonly taken: readonly Taken[] } & HeadMoves)
  /** What is full, what was read to say so, and the wall milliseconds at which something is free again; absent where waiting helps nobody. */
  | {
      readonly granted: false;
      readonly full: CounterDemand;
      readonly freeAt?: number;
      readonly expects: EntryDraft['expects'];
    };

/**
 * Counts and sums over windows, kept as heads of the ledger: reserved in the transaction of the ALLOW, by compare-and-swap, so that
 * all gates of a log share them and none takes twice.
 */
export interface Counters {
  /**
   * Reserves what each demand takes, or nothing. Whoever asks keeps `held`: its locks are open until what was drafted is durable,
   * or refused, so that calls that share a counter do not run into each other.
   */
  reserve(demands: readonly CounterDemand[], now: number, held: Held): Promise<Reservation>;
  /** What gives back what a call took that never ran. */
  giveBack(taken: readonly Taken[], held: Held): Promise<HeadMoves>;
}

/** Locks that one draft holds. */
export interface Held {
  keep(release: () => void): void;
}

export function createCounters(ledger: Ledger): Counters {
  const locks = createLocks();

  const read = async (heads: readonly string[], held: Held): Promise<ReadonlyMap<string, string>> => {
    held.keep(await locks.acquire(heads));
    return ledger.heads(heads);
  };

  return {
    async reserve(demands, now, held) {
      if (demands.length === 0) return nothingReserved;
      const wanted = demands.map((demand) => ({ demand, head: headOf(demand.key) }));
      const values = await read([...new Set(wanted.map(({ head }) => head))], held);
      const expects = [...new Set(wanted.map(({ head }) => head))].map((key) => ({
        key,
        value: values.get(key) ?? null,
      }));
      const counts = new Map<string, Slots>();
      const taken: Taken[] = [];
      for (const { demand, head } of wanted) {
        const slots = slotsWithin(counts.get(head) ?? parseSlots(values.get(head)), demand.window, now);
        // Not `>`: a sum that is no number must not pass.
        if (!(sumOf(slots) + demand.amount <= demand.limit)) return full(demand, slots, expects);
        const slot = slotOf(now, demand.window);
        counts.set(head, slotsWith(slots, slot, demand.amount));
        taken.push({ head, slot, amount: demand.amount });
      }
      return { granted: true, taken, expects, sets: [...counts].map(encoded) };
    },
    async giveBack(taken, held) {
      if (taken.length === 0) return nothingReserved;
      const heads = [...new Set(taken.map(({ head }) => head))];
      const values = await read(heads, held);
      const counts = new Map(heads.map((head) => [head, parseSlots(values.get(head))]));
      for (const { head, slot, amount } of taken)
        counts.set(head, slotsWith(counts.get(head) ?? [], slot, -amount));
      return {
        expects: heads.map((key) => ({ key, value: values.get(key) ?? null })),
        sets: [...counts].map(encoded),
      };
    },
  };
}

function full(
  demand: CounterDemand,
  slots: Slots,
  expects: EntryDraft['expects'],
): Extract<Reservation, { granted: false }> {
  // What is more than there ever is does not fit later either.
  const freeAt = demand.amount <= demand.limit ? freeAgain(slots, demand.window) : undefined;
  return { granted: false, full: demand, expects, ...(freeAt !== undefined && { freeAt }) };
}

const nothingReserved = { granted: true, taken: [], expects: [], sets: [] } as const;

export const counterPrefix = 'counter/';

/** Hashed: a key names people and tools, and may be long. */
function headOf(key: string): string {
  return `${counterPrefix}${hex(sha256(utf8(key)))}`;
}

function encoded([key, slots]: readonly [string, Slots]): {
  readonly key: string;
  readonly value: string | null;
} {
  return { key, value: slots.length === 0 ? null : canonicalJson({ slots: slots.map((slot) => [...slot]) }) };
}

/** @throws CountersignError `LEDGER_CORRUPT` */
function parseSlots(text: string | undefined): Slots {
  if (text === undefined) return [];
  const value = jsonOf(text);
  const slots = isJsonObject(value) ? value['slots'] : undefined;
  if (!Array.isArray(slots) || !slots.every(isSlot))
    throw new CountersignError('LEDGER_CORRUPT', 'The ledger holds a counter that cannot be read.');
  return slots;
}

function jsonOf(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function isSlot(slot: Json): slot is [number, number] {
  return (
    Array.isArray(slot) &&
    slot.length === 2 &&
    Number.isSafeInteger(slot[0]) &&
    Number.isFinite(slot[1]) &&
    Number(slot[1]) > 0
  );
}
