import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createWitnessApp } from '../../src/witness/app.ts';
import type { Answered } from '../../src/witness/app.ts';
import { createMemoryWitnessStore } from '../../src/witness/memory-store.ts';
import { createWitnessState, openWitnessState } from '../../src/witness/state-sqlite.ts';
import type { WitnessBooks } from '../../src/witness/store.ts';
import { cosignatureTime, parseNote } from '../../src/tlog/note.ts';
import { signatureTypes } from '../../src/tlog/vkey.ts';
import { testKey } from '../tlog/test-keys.ts';
import type { TestKey } from '../tlog/test-keys.ts';

/** Both implementations of the port: what holds of one holds of the other. */
export const stores = {
  memory: () => ({ books: createMemoryWitnessStore(), remove: () => undefined }),
  sqlite() {
    const directory = mkdtempSync(join(tmpdir(), 'countersign-witness-'));
    const path = join(directory, 'state.sqlite');
    closeSync(openSync(path, 'wx'));
    const owner = { name: 'w', publicKey: new Uint8Array(32), fileId: 'this' };
    createWitnessState(path, owner);
    const books = openWitnessState(path, owner);
    return {
      books,
      remove() {
        books.close();
        rmSync(directory, { recursive: true });
      },
    };
  },
} as const;

export interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly text: string;
}

/** A witness, and what a test does to it. */
export interface TestWitness {
  readonly key: TestKey;
  readonly books: WitnessBooks;
  /** Wall milliseconds; set it to move the clock. */
  now: number;
  readonly answered: Answered[];
  add(body: string | Uint8Array): Promise<Answer>;
  /** When this answer says that it saw the checkpoint, if it is a cosignature of it. */
  timeOf(answer: Answer, checkpoint: string): number | undefined;
  request(path: string, init?: RequestInit): Promise<Response>;
}

export function testWitness(books: WitnessBooks): TestWitness {
  const key = testKey('witness.example.net/w', signatureTypes.cosignatureV1);
  const answered: Answered[] = [];
  const clock = { now: () => witness.now };
  const app = createWitnessApp({
    name: key.key.name,
    signer: key.signer,
    store: books,
    clock,
    onAnswer: (seen) => answered.push(seen),
  });
  const witness: TestWitness = {
    key,
    books,
    now: 1_800_000_000_500,
    answered,
    async add(body) {
      const sent = typeof body === 'string' ? body : Uint8Array.from(body);
      const response = await app.request('/add-checkpoint', { method: 'POST', body: sent });
      return {
        status: response.status,
        type: response.headers.get('content-type'),
        text: await response.text(),
      };
    },
    timeOf({ status, text }, checkpoint) {
      const note = status === 200 ? parseNote(checkpoint + text) : undefined;
      return note && cosignatureTime(note, key.key);
    },
    request: async (path, init) => app.request(path, init),
  };
  return witness;
}
