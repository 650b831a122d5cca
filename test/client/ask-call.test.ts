import { afterEach, describe, expect, it } from 'vitest';
import { askCall, type AllowedCall } from '../../src/client/ask-call.ts';
import type { RunResult, ToolCall } from '../../src/client/gate-client.ts';
import { openWorld, type World } from '../adapters/world.ts';

const worlds: World[] = [];

async function world(): Promise<World> {
  const opened = await openWorld();
  worlds.push(opened);
  return opened;
}

afterEach(async () => {
  await Promise.all(worlds.splice(0).map(({ close }) => close()));
});

function call(args: ToolCall['arguments'] = { text: 'hello' }): ToolCall {
  return { server: 'notes', tool: 'add', arguments: args, definition: { name: 'add' } };
}

async function allowed(world: World, asked: ToolCall, ends?: RunResult<unknown>[]): Promise<AllowedCall> {
  const answer = await askCall(world.gate, asked, {}, (ended) => ends?.push(ended));
  if (answer.kind !== 'allowed') throw new Error(answer.denial.message);
  return answer;
}

const outcomes = async ({ logged }: World): Promise<unknown[]> =>
  (await logged()).filter(({ kind }) => kind === 'outcome').map(({ predicate }) => predicate['outcome']);

describe('a call that was allowed and has not begun', () => {
  it('begins once: a second time is refused, and reports nothing', async () => {
    const opened = await world();
    const asked = await allowed(opened, call());
    expect((await asked.run(async () => 1)).kind).toBe('done');
    await expect(asked.run(async () => 2)).rejects.toMatchObject({ code: 'PERMIT_INVALID' });
    await expect(asked.giveBack()).rejects.toMatchObject({ code: 'PERMIT_INVALID' });
    expect(await outcomes(opened)).toEqual(['executed']);
  });

  it('is not begun with other arguments than those that were decided on', async () => {
    const opened = await world();
    const args = { text: 'hello' };
    const asked = await allowed(opened, call(args));
    args.text = 'rm -rf /';
    let begun = 0;
    const ended = await asked.run(async () => (begun += 1));
    expect([begun, ended.kind]).toEqual([0, 'denied']);
    expect(ended).toMatchObject({ denial: { code: 'ARGUMENTS_CHANGED' } });
    expect(await outcomes(opened)).toEqual(['aborted']);
  });

  it('is decided on as it was when it was asked about, also where somebody changes it meanwhile', async () => {
    const opened = await world();
    const args = { text: 'hello' };
    const asking = askCall(opened.gate, call(args));
    args.text = 'rm -rf /';
    const asked = await asking;
    const ended = asked.kind === 'allowed' ? await asked.run(async () => 1) : asked;
    expect(ended).toMatchObject({ kind: 'denied', denial: { code: 'ARGUMENTS_CHANGED' } });
  });

  it('can be given back: the log says that nothing ran', async () => {
    const opened = await world();
    const ends: RunResult<unknown>[] = [];
    expect(await (await allowed(opened, call(), ends)).giveBack()).toMatchObject({ kind: 'denied' });
    expect(await outcomes(opened)).toEqual(['aborted']);
    expect(ends).toMatchObject([{ kind: 'denied', denial: { code: 'CALLER_CANCELLED' } }]);
  });
});

describe('a call that ran and could not be recorded', () => {
  const expired = { code: 'HANDLE_EXPIRED', message: 'It came too late.', retryable: true } as const;
  it.each([
    [
      'refuses the report',
      () => Promise.resolve({ kind: 'unsettled', denial: expired } as const),
      'HANDLE_EXPIRED',
    ],
    ['throws', () => Promise.reject(new Error('broken')), 'INTERNAL'],
  ])('is not to be repeated, and says so first, where the gate %s', async (_, report, code) => {
    const opened = await world();
    const ends: RunResult<unknown>[] = [];
    const gate = { ...opened.gate, report };
    const asked = await askCall(gate, call(), {}, (ended) => ends.push(ended));
    const ended = asked.kind === 'allowed' ? await asked.run(async () => 7) : asked;
    expect(ended).toMatchObject({
      kind: 'unsettled',
      result: 7,
      denial: { code: 'OUTCOME_UNRECORDED', retryable: false, message: expect.stringContaining(`(${code})`) },
    });
    expect(ends).toEqual([ended]);
  });
});

describe('a call whose result comes in parts', () => {
  it('passes every part on, and settles with the last of them', async () => {
    const opened = await world();
    const asked = await allowed(opened, call());
    const parts: unknown[] = [];
    const stream = asked.stream(async function* () {
      yield { n: 1 };
      yield { n: 2 };
    });
    for (let next = await stream.next(); ; next = await stream.next()) {
      if (next.done === true) {
        expect(next.value).toMatchObject({ kind: 'done', result: { n: 2 } });
        break;
      }
      parts.push(next.value);
      expect(await outcomes(opened)).toEqual([]);
    }
    expect(parts).toEqual([{ n: 1 }, { n: 2 }]);
    expect(await outcomes(opened)).toEqual(['executed']);
  });

  it('is unknown in the end when nobody reads on, and its source is closed', async () => {
    const opened = await world();
    const ends: RunResult<unknown>[] = [];
    const asked = await allowed(opened, call(), ends);
    let isClosed = false;
    const stream = asked.stream(async function* () {
      try {
        yield 1;
        yield 2;
      } finally {
        isClosed = true;
      }
    });
    for await (const part of stream) {
      expect(part).toBe(1);
      break;
    }
    expect([isClosed, ends.length]).toEqual([true, 1]);
    expect(await outcomes(opened)).toEqual(['unknown']);
  });

  it('has failed when its source throws, after the parts that came before', async () => {
    const opened = await world();
    const asked = await allowed(opened, call());
    const wrong = new RangeError('no more paper');
    const stream = asked.stream(async function* () {
      yield 1;
      throw wrong;
    });
    expect(await stream.next()).toEqual({ done: false, value: 1 });
    expect((await stream.next()).value).toMatchObject({ kind: 'failed', error: wrong });
    expect(await outcomes(opened)).toEqual(['failed']);
  });
});
