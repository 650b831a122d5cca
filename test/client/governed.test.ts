import { afterEach, describe, expect, it } from 'vitest';
import { governed, type GovernedEnd, type GovernedVerdict } from '../../src/client/governed.ts';
import { CountersignError } from '../../src/errors.ts';
import { openWorld, type World } from '../adapters/world.ts';
import { denyEverything } from '../gate/harness.ts';

let open: World;
afterEach(() => open.close());

async function world(options?: Parameters<typeof openWorld>[0]): Promise<World> {
  open = await openWorld(options);
  return open;
}

const call = { tool: 'add', definition: { name: 'add' }, arguments: { text: 'hello' }, from: undefined };

describe('what every adapter goes through', () => {
  it('asks for whom a call is made once for each call, and hands it to the gate with that call', async () => {
    const { gate, asked } = await world();
    const { run } = governed<string>({
      gate,
      server: 'notes',
      identity: async (from) => ({ humanToken: `token of ${from}`, deviceToken: 'device' }),
    });
    await Promise.all(['one', 'two'].map((from) => run({ ...call, from }, async () => 1)));
    expect(asked.map(({ options }) => options)).toEqual([
      { humanToken: 'token of one', deviceToken: 'device' },
      { humanToken: 'token of two', deviceToken: 'device' },
    ]);
  });

  it('denies a call when it cannot be found out for whom it is made, and asks no gate', async () => {
    const { gate, asked } = await world();
    const codeOf = async (thrown: Error): Promise<unknown> => {
      const { ask } = governed({ gate, server: 'notes', identity: () => Promise.reject(thrown) });
      const denied = await ask(call);
      return denied.kind === 'denied' && denied.denial;
    };
    const stranger = await codeOf(new Error('the password is hunter2'));
    expect(stranger).toMatchObject({ code: 'LOGIN_FAILED', retryable: false });
    expect(JSON.stringify(stranger)).not.toContain('hunter2');
    expect(await codeOf(new CountersignError('LOGIN_MISSING', 'Nobody is logged in.'))).toMatchObject({
      code: 'LOGIN_MISSING',
    });
    expect(asked).toEqual([]);
  });

  it('denies arguments that are no JSON object, and takes none for an empty one', async () => {
    const { gate } = await world();
    const { run } = governed({ gate, server: 'notes' });
    for (const wrong of ['text', 7, [1], true]) {
      const ended = await run({ ...call, arguments: wrong }, async () => 1);
      expect(ended).toMatchObject({ kind: 'denied', denial: { code: 'FRAME_INVALID' } });
    }
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    for (const wrong of [circle, { n: 1n }]) {
      const ended = await run({ ...call, arguments: wrong }, async () => 1);
      expect(ended).toMatchObject({ kind: 'denied', denial: { code: 'FRAME_INVALID' } });
    }
    expect((await run({ ...call, arguments: undefined }, async () => 1)).kind).toBe('done');
  });

  it('commits to the framework’s own id of the call', async () => {
    const { gate, asked } = await world();
    await governed({ gate, server: 'notes' }).run({ ...call, toolCallId: 'call_7' }, async () => 1);
    expect(asked[0]?.call.context).toEqual({ toolCallId: 'call_7' });
  });

  it('does what was decided whatever those who look on throw', async () => {
    const { gate } = await world();
    const throwing = (): never => {
      throw new Error('the dashboard is down');
    };
    const { run } = governed({ gate, server: 'notes', onVerdict: throwing, onEnd: throwing });
    expect(await run(call, async () => 1)).toMatchObject({ kind: 'done', result: 1 });
  });

  it('tells the verdict before anything runs, and the end of a denied call too', async () => {
    const told: string[] = [];
    const onVerdict = ({ decision }: GovernedVerdict): void => void told.push(decision);
    const onEnd = ({ ended }: GovernedEnd): void => void told.push(ended.kind);
    const listeners = { server: 'notes', onVerdict, onEnd };
    const { gate } = await world();
    await governed({ gate, ...listeners }).run(call, async () => told.push('runs'));
    await open.close();
    const closed = await world({ decide: denyEverything });
    await governed({ gate: closed.gate, ...listeners }).run(call, async () => told.push('runs'));
    expect(told).toEqual(['ALLOW', 'runs', 'done', 'DENY', 'denied']);
  });
});
