import { describe, expect, it } from 'vitest';
import { CountersignError } from '../../src/errors.ts';
import { createLedger } from '../../src/ledger/create-ledger.ts';
import { forgetfulCheckpoints } from '../../src/ledger/released-checkpoint.ts';
import { memoryStore } from '../../src/ledger/store-memory.ts';
import type { EntryDraft, Ledger } from '../../src/ledger/ledger.ts';
import type { Change } from '../../src/gate/changes.ts';
import { eraseCalls, selectCalls } from '../../src/runtime/log/erase.ts';
import { allowOf, draftOf, noon, outcomeOf, randomCallId } from '../ledger/drafts.ts';
import { testLog } from '../ledger/log-key.ts';

async function openLedger(): Promise<Ledger> {
  const { origin, signer, identity } = testLog();
  return createLedger({ store: memoryStore(identity), signer, origin, released: forgetfulCheckpoints() });
}

const side = [{ name: 'action', salt: new Uint8Array(16), value: Uint8Array.of(1) }];

function verdict(callId: string, name = 'read', time = noon): EntryDraft {
  const draft = allowOf(callId, { side, time });
  const payload = Buffer.from(JSON.stringify({ predicate: { tool: { server: 'files', name } } }));
  return { ...draft, signed: { ...draft.signed, payload } };
}

async function run(ledger: Ledger, callId: string, name?: string, time?: number): Promise<void> {
  await ledger.append(verdict(callId, name, time));
  await ledger.append(outcomeOf(callId, { time: time ?? noon }));
}

describe('what is to be erased', () => {
  it('is what was named, once, and only where there is something left', async () => {
    const ledger = await openLedger();
    const [one, bare] = [randomCallId(), randomCallId()];
    await run(ledger, one);
    await ledger.append(draftOf({ kind: 'deny', callId: bare }));
    expect(await selectCalls(ledger, { callIds: [one, one, bare] })).toEqual({ calls: [one], running: [] });
    await expect(selectCalls(ledger, { callIds: [randomCallId()] })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });

  it('leaves out what still runs: its outcome would bring rows after they were erased', async () => {
    const ledger = await openLedger();
    const [open, done] = [randomCallId(), randomCallId()];
    await ledger.append(verdict(open));
    await run(ledger, done);
    for (const selection of [{ callIds: [open, done] }, { before: noon + 1 }]) {
      expect(await selectCalls(ledger, selection)).toEqual({ calls: [done], running: [open] });
    }
  });

  it('meets every condition: before the time, and of the tool', async () => {
    const ledger = await openLedger();
    const [early, late, write] = [randomCallId(), randomCallId(), randomCallId()];
    await run(ledger, early);
    await run(ledger, write, 'write');
    await run(ledger, late, 'read', noon + 10);
    const calls = async (selection: Parameters<typeof selectCalls>[1]) =>
      (await selectCalls(ledger, selection)).calls;
    const read = { server: 'files', name: 'read' };
    expect(await calls({ before: noon })).toEqual([]);
    expect(await calls({ before: noon + 10 })).toEqual([early, write]);
    expect(await calls({ tool: read })).toEqual([early, late]);
    expect(await calls({ tool: read, before: noon + 10 })).toEqual([early]);
    expect(await calls({ tool: { ...read, server: 'mail' } })).toEqual([]);
  });
});

describe('erasing many calls', () => {
  it('says in each statement which calls its own commit erases, and every call once', async () => {
    const ledger = await openLedger();
    const calls = Array.from({ length: 300 }, randomCallId);
    await Promise.all(calls.map((callId) => run(ledger, callId)));
    const said: Change[] = [];
    await eraseCalls(
      ledger,
      async (change) => {
        said.push(change);
        return ledger.append(draftOf({ erases: change.erases ?? [] }));
      },
      calls,
    );
    expect(said.flatMap(({ erases }) => erases)).toEqual(calls);
    for (const { change, erases } of said) {
      expect(change).toEqual({ kind: 'erased', calls: { count: erases?.length, ids: erases } });
    }
    expect(said.length).toBe(2);
    for (const callId of calls) expect(await ledger.side(callId)).toEqual([]);
  });

  it('says that bytes may be left when a reader was in the way, and finishes when it is run again', async () => {
    const ledger = await openLedger();
    const callId = randomCallId();
    await run(ledger, callId);
    let scrubs = 0;
    const busy: Ledger = {
      ...ledger,
      scrub: () => {
        scrubs += 1;
        const locked = new CountersignError('LEDGER_LOCKED', 'Another process holds the ledger.');
        return scrubs === 1 ? Promise.reject(locked) : Promise.resolve();
      },
    };
    const erase = (calls: readonly string[]) =>
      eraseCalls(busy, ({ erases = [] }) => ledger.append(draftOf({ erases })), calls);
    await expect(erase([callId])).rejects.toMatchObject({ code: 'LEDGER_LOCKED' });
    expect(await ledger.side(callId)).toEqual([]);
    await erase((await selectCalls(busy, { callIds: [callId] })).calls);
    expect(scrubs).toBe(2);
  });

  it('signs nothing when there is nothing to erase', async () => {
    const ledger = await openLedger();
    await eraseCalls(ledger, () => Promise.reject(new Error('never')), []);
    expect(await ledger.checkpoint()).toBeNull();
  });
});
