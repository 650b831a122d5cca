import { CountersignError } from '../errors.ts';
import { sha256, utf8 } from '../call/sha256.ts';

/**
 * A set of names that only ever grows, at 16 bytes of a digest a name in one table: some 30 bytes each in all. A `Set` takes
 * three times that, and ends at 2^24.
 */
export interface DigestSet {
  has(name: string): boolean;
  add(name: string): void;
  readonly size: number;
  /** The digests, one after the other: what `digestSet` takes. */
  toBytes(): Uint8Array;
}

/** Bytes of SHA-256 that are kept. Nobody finds two names with one digest of 128 bits by accident, or 2^64 hashes for a fault. */
const width = 16;
const smallest = 1_024;

/** A set of the names whose digests `bytes` are, and of those to come. CONFIG_INVALID unless it is whole digests. */
export function digestSet(bytes: Uint8Array = new Uint8Array()): DigestSet {
  if (bytes.length % width !== 0) {
    throw new CountersignError('CONFIG_INVALID', 'A set of digests has bytes left over.');
  }
  let size = 0;
  let slots = smallest;
  let table = new Uint8Array(slots * width);

  /** Where the digest stands, or would stand. An empty slot is all zeroes, which is no digest that anybody has seen. */
  const slotOf = (digest: Uint8Array): number => {
    let slot = (((digest[0]! << 24) | (digest[1]! << 16) | (digest[2]! << 8) | digest[3]!) >>> 0) % slots;
    while (!isEmpty(table, slot) && !holds(table, slot, digest)) slot = (slot + 1) % slots;
    return slot;
  };
  const put = (digest: Uint8Array): void => {
    const slot = slotOf(digest);
    if (!isEmpty(table, slot)) return;
    table.set(digest, slot * width);
    size += 1;
  };
  const putAll = (digests: Uint8Array): void => {
    for (let at = 0; at < digests.length; at += width) {
      const digest = digests.subarray(at, at + width);
      if (!isEmpty(digest, 0)) put(digest);
    }
  };
  /** At three quarters full, finding a place takes few steps still. */
  const makeRoom = (names: number): void => {
    if (names * 4 < slots * 3) return;
    const old = table;
    while (names * 4 >= slots * 3) slots *= 2;
    table = new Uint8Array(slots * width);
    size = 0;
    putAll(old);
  };

  makeRoom(bytes.length / width);
  putAll(bytes);
  return {
    has: (name) => !isEmpty(table, slotOf(digestOf(name))),
    add(name) {
      makeRoom(size + 1);
      put(digestOf(name));
    },
    get size() {
      return size;
    },
    toBytes() {
      const all = new Uint8Array(size * width);
      let at = 0;
      for (let slot = 0; slot < slots; slot++) {
        if (isEmpty(table, slot)) continue;
        all.set(table.subarray(slot * width, (slot + 1) * width), at);
        at += width;
      }
      return all;
    },
  };
}

function digestOf(name: string): Uint8Array {
  return sha256(utf8(name)).subarray(0, width);
}

function isEmpty(table: Uint8Array, slot: number): boolean {
  for (let i = slot * width; i < (slot + 1) * width; i++) if (table[i] !== 0) return false;
  return true;
}

function holds(table: Uint8Array, slot: number, digest: Uint8Array): boolean {
  for (let i = 0; i < width; i++) if (table[slot * width + i] !== digest[i]) return false;
  return true;
}
