import { createObjectLedger, openObjectStore } from '../../../src/ledger/store-durable-object.ts';
import type { ObjectStorage } from '../../../src/ledger/store-durable-object-sql.ts';
import { describeLedger } from '../../contract/ledger-contract.ts';
import { createLedger } from '../../../src/ledger/create-ledger.ts';
import { forgetfulCheckpoints } from '../../../src/ledger/released-checkpoint.ts';
import { allowOf, draftOf, randomCallId } from '../../ledger/drafts.ts';
import { equalBytes } from '../../../src/call/sha256.ts';
import { testLog } from '../../ledger/log-key.ts';
import { codeOf } from '../../ledger/settled.ts';
import { collected, describe, expect, it } from './inner-vitest.ts';

/** The contract of every store, run where this one lives: each test in an object of its own. */

let current: ObjectStorage | undefined;

describeLedger('a Durable Object', async ({ identity }) => {
  if (current === undefined) throw new Error('A test runs in an object.');
  const storage = current;
  const objectId = 'object-1';
  createObjectLedger({ storage, objectId, identity });
  return {
    open: async (as = identity) => openObjectStore({ storage, objectId, identity: as }),
    remove: () => undefined,
  };
});

describe('the store of a Durable Object', () => {
  it('keeps values that are longer than a cell of its tables may be, and erases them whole', async () => {
    if (current === undefined) throw new Error('A test runs in an object.');
    const storage = current;
    const log = testLog();
    const own = { storage, objectId: 'object-1', identity: log.identity };
    createObjectLedger(own);
    const ledger = await createLedger({
      ...log,
      store: openObjectStore(own),
      released: forgetfulCheckpoints(),
    });
    const salt = new Uint8Array(16);
    const callId = randomCallId();
    const side = [2_999_999, 10, 5 << 20].map((length, i) => {
      const value = new Uint8Array(length).fill(i);
      value[length - 1] = 77;
      return { name: `arguments/${i}`, salt, value };
    });
    await ledger.append(allowOf(callId, { side }));
    const found = await ledger.side(callId);
    expect(found.length).toBe(side.length);
    for (const [i, { value }] of found.entries())
      expect(value !== undefined && equalBytes(value, side[i]?.value ?? salt)).toBe(true);
    await ledger.append(draftOf({ erases: [callId] }));
    expect(await ledger.side(callId)).toEqual([]);
    expect(storage.sql.exec('SELECT id FROM side_parts').toArray()).toEqual([]);
  });

  it('is not opened where there is none, nor in another object than the one that began it', async () => {
    if (current === undefined) throw new Error('A test runs in an object.');
    const storage = current;
    const own = { storage, objectId: 'object-1', identity: testLog().identity };
    const refusal = (open: () => unknown): string => {
      try {
        open();
        return 'opened';
      } catch (error) {
        return codeOf(error);
      }
    };
    expect(refusal(() => openObjectStore(own))).toBe('LEDGER_MISSING');
    createObjectLedger(own);
    expect(refusal(() => openObjectStore({ ...own, objectId: 'object-2' }))).toBe('LEDGER_COPIED');
    expect(refusal(() => openObjectStore(own))).toBe('opened');
  });
});

export class Bench {
  readonly #storage: ObjectStorage;

  constructor({ storage }: { readonly storage: ObjectStorage }) {
    this.#storage = storage;
  }

  async fetch(request: Request): Promise<Response> {
    const title = await request.text();
    current = this.#storage;
    await collected.find((test) => test.title === title)?.run();
    return new Response('passed');
  }
}

interface Env {
  readonly BENCH: {
    idFromName(name: string): unknown;
    get(id: unknown): { fetch(url: string, init: RequestInit): Promise<Response> };
  };
}

const worker = {
  async fetch(request: Request, { BENCH }: Env): Promise<Response> {
    if (request.method === 'GET') return Response.json(collected.map(({ title }) => title));
    const title = await request.text();
    try {
      return await BENCH.get(BENCH.idFromName(title)).fetch('http://bench.test/', {
        method: 'POST',
        body: title,
      });
    } catch (thrown) {
      return new Response(thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown), {
        status: 500,
      });
    }
  },
};

export { worker as default };
