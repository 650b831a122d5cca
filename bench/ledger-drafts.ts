import { randomFillSync } from 'node:crypto';
import { uuidv7 } from '../src/call/uuid.ts';
import { sha256 } from '../src/call/sha256.ts';
import type { EntryDraft } from '../src/ledger/ledger.ts';
import { prepare } from '../src/ledger/prepare.ts';
import type { Prepared } from '../src/ledger/prepare.ts';

/** Sizes in bytes of what a real ALLOW has, as `wrap` makes it of a small call. */
const allow = { payload: 2_200, timestamp: 1_100, leaf: 900, rows: 4, value: 300 };
/** Enough to be an entry: what lies in a row's long columns is not touched again. */
const filler = { payload: 40, timestamp: 8, leaf: 40 };

/** An ALLOW with its permit and openings. */
export function allowDraft(): EntryDraft {
  return {
    ...draft(newCallId(), allow),
    permit: { action: 'open', instance: 'bench', notAfter: Date.now() + 60_000 },
    side: Array.from({ length: allow.rows }, (_, i) => ({
      name: `arguments/${i}`,
      salt: random(16),
      value: random(allow.value),
    })),
  };
}

/**
 * Entries that only make a log longer: of calls of their own, and else all one body, signed and hashed once. Tables,
 * indexes and the tree grow by them as by any others.
 */
export function fillers(count: number): readonly Prepared[] {
  const time = Date.now();
  return Array.from({ length: count }, () => ({
    ...oneFiller,
    draft: { ...oneFiller.draft, callId: newCallId(), time },
  }));
}

const oneFiller = prepare(fillerDraft());

function fillerDraft(): EntryDraft {
  const { signed, ...rest } = draft(newCallId(), filler);
  return { ...rest, signed: { ...signed, kind: 'deny' } };
}

function newCallId(): string {
  return uuidv7(Date.now());
}

function draft(callId: string, sizes: { payload: number; timestamp: number; leaf: number }): EntryDraft {
  const payload = random(sizes.payload);
  return {
    signed: {
      kind: 'allow',
      payload,
      paeSha256: sha256(payload.subarray(0, 32)),
      signature: random(71),
      timestamp: random(sizes.timestamp),
      leaf: random(sizes.leaf),
    },
    callId,
    time: Date.now(),
    expects: [],
    sets: [],
    side: [],
  };
}

function random(length: number): Uint8Array {
  return randomFillSync(new Uint8Array(length));
}
