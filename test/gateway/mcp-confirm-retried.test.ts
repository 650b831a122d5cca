import { describe, expect, it } from 'vitest';
import { createConfirmSeals } from '../../src/gateway/mcp/confirm-seal.ts';
import { confirmingGate } from '../support/confirming-gate.ts';
import { conversations, denialKey, envelopeKey } from '../support/conversation.ts';
import { createFakeGate } from '../support/fake-gate.ts';

const wrap = conversations();
const key = 'dev.countersign/confirm';
const yes = { action: 'accept', content: { confirm: true } };
const ran = '{"jsonrpc":"2.0","id":$ID,"result":{"resultType":"complete","content":[],"ran":true}}\n';

type Params = Readonly<Record<string, unknown>>;

const meta = (capabilities: object = { elicitation: { form: {} } }) => ({
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': capabilities,
});
const params: Params = { name: 'say', arguments: { say: [ran], to: 'a' }, _meta: meta() };

/** A client of the modern era, and a gate that wants every call confirmed. */
function speaking() {
  const owner = { agent: 'a' };
  const gate = confirmingGate(owner);
  const client = wrap({ gate });
  let count = 0;
  const call = async (given: Params) => {
    const id = ++count;
    client.send(`${JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: given })}\n`);
    return (await client.answer(id)).result ?? {};
  };
  const asked = async (given: Params = params) => {
    const result = await call(given);
    expect(result).toMatchObject({ resultType: 'input_required', inputRequests: { [key]: {} } });
    return result['requestState'];
  };
  const calls = (): readonly string[] =>
    client
      .reached()
      .split('\n')
      .filter((line) => line.includes('tools/call'));
  const confirmed = () => gate.calls.filter((each) => each.confirmed).length;
  return { ...client, gate, owner, call, asked, calls, confirmed };
}

const answered = (requestState: unknown, said: unknown = yes, given = params): Params => ({
  ...given,
  inputResponses: { [key]: said },
  requestState,
});

describe('what a client could try with a question that it carries', () => {
  it('an answer without our state is the server’s, and confirms nothing', async () => {
    const client = speaking();
    await client.call({ ...params, inputResponses: { [key]: yes } });
    await client.call({ ...params, inputResponses: { [key]: yes }, requestState: 'of-the-server' });
    expect(client.confirmed()).toBe(0);
    expect(client.calls()).toEqual([]);
  });

  it.each<[string, (state: string) => string]>([
    ['another tag', (state) => `${state.slice(0, -8)}AAAAAAA=`],
    ['another payload', (state) => state.replace(/\.[^.]{4}/, '.AAAA')],
    ['nothing but its beginning', (state) => `${state.split('.')[0] ?? ''}.`],
    ['something behind it', (state) => `${state}.x`],
  ])('a state with %s confirms nothing', async (_, forge) => {
    const client = speaking();
    const state = await client.asked();
    const again = await client.call(answered(forge(String(state))));
    expect(again).toHaveProperty('resultType', 'input_required');
    expect(client.confirmed()).toBe(0);
  });

  it('a state of another gateway confirms nothing', async () => {
    const client = speaking();
    const [call] = [await client.asked()];
    const foreign = await createConfirmSeals().seal({ digest: '00', owner: 'x' });
    expect(typeof call).toBe('string');
    await client.call(answered(foreign));
    expect(client.confirmed()).toBe(0);
  });

  it('a state counts once', async () => {
    const client = speaking();
    const state = await client.asked();
    expect(await client.call(answered(state))).toHaveProperty('ran');
    expect(await client.call(answered(state))).toHaveProperty('resultType', 'input_required');
    expect(client.confirmed()).toBe(1);
    expect(client.calls()).toHaveLength(1);
  });

  it.each<[string, Params]>([
    ['other arguments', { ...params, arguments: { say: [ran], to: 'b' } }],
    ['one argument more', { ...params, arguments: { say: [ran], to: 'a', cc: 'b' } }],
    ['another tool', { ...params, name: 'hang' }],
    ['a task', { ...params, task: {} }],
    ['other _meta', { ...params, _meta: { ...meta(), 'example.org/as': 'root' } }],
  ])('a yes does not count for the same call with %s', async (_, changed) => {
    const client = speaking();
    const state = await client.asked();
    expect(await client.call(answered(state, yes, changed))).toHaveProperty('resultType', 'input_required');
    expect(client.confirmed()).toBe(0);
    expect(client.calls()).toEqual([]);
  });

  it('nor with answers for the server beside it, which were not there when it was asked', async () => {
    const client = speaking();
    const state = await client.asked();
    await client.call({ ...answered(state), inputResponses: { [key]: yes, other: yes } });
    expect(client.confirmed()).toBe(0);
  });

  it('nor for another caller', async () => {
    const client = speaking();
    const state = await client.asked();
    client.owner.agent = 'b';
    await client.call(answered(state));
    expect(client.confirmed()).toBe(0);
    client.owner.agent = 'a';
    expect(await client.call(answered(state))).toHaveProperty('ran');
  });

  it('nor does what another caller carried for the server go along with it', async () => {
    const client = speaking();
    const state = await client.asked({ ...params, requestState: 'of-the-server' });
    client.owner.agent = 'b';
    const own = await client.asked(answered(state));
    expect(await client.call(answered(own))).toHaveProperty('ran');
    expect(client.calls().join()).not.toContain('of-the-server');
  });

  it('a no is a denial, and its state can say no yes any more', async () => {
    const client = speaking();
    const state = await client.asked();
    const denied = await client.call(answered(state, { action: 'decline' }));
    expect(denied).toMatchObject({ isError: true, resultType: 'complete', _meta: { [denialKey]: {} } });
    await client.call(answered(state));
    expect(client.confirmed()).toBe(0);
  });

  it.each<[string, unknown]>([
    ['no object', true],
    ['an acceptance without a word', { action: 'accept' }],
    ['a text in place of true', { action: 'accept', content: { confirm: 'true' } }],
  ])('%s is a no', async (_, said) => {
    const client = speaking();
    expect(await client.call(answered(await client.asked(), said))).toHaveProperty('isError', true);
    expect(client.confirmed()).toBe(0);
  });
});

describe('a client of the modern era', () => {
  it('is asked with the signed denial beside the question', async () => {
    const client = speaking();
    expect(await client.call(params)).toMatchObject({
      resultType: 'input_required',
      inputRequests: {
        [key]: {
          method: 'elicitation/create',
          params: { message: expect.stringContaining('odd/say') as string },
        },
      },
      _meta: { [denialKey]: { code: 'CONFIRMATION_REQUIRED' }, [envelopeKey]: { verdict: {} } },
    });
  });

  it('confirms by a retry of which the server sees nothing but the call', async () => {
    const client = speaking();
    const state = await client.asked();
    const retry = { ...answered(state), _meta: { ...meta(), progressToken: 9 } };
    expect(await client.call(retry)).toHaveProperty('ran');
    const [reached = ''] = client.calls();
    expect(JSON.parse(reached)).toMatchObject({ id: 2, params: { ...params, _meta: retry._meta } });
    expect(reached).not.toMatch(/inputResponses|requestState|countersign/);
    const [, allowed] = client.gate.calls;
    expect(
      Buffer.from(allowed?.payload ?? [])
        .toString()
        .trim(),
    ).toBe(reached);
  });

  it('keeps what it carries for the server through our question', async () => {
    const client = speaking();
    const round = {
      ...params,
      inputResponses: { name: { action: 'accept' } },
      requestState: 'of-the-server',
    };
    const state = await client.asked(round);
    expect(await client.call(answered(state))).toHaveProperty('ran');
    const [reached = ''] = client.calls();
    expect(JSON.parse(reached)).toMatchObject({ params: round });
  });

  it('that nobody can name gets the denial: nobody could say whose answer would count', async () => {
    const code = 'CONFIRMATION_REQUIRED';
    const decide = () => ({ code, rule: 'r', message: 'Ask first.', retryable: false }) as const;
    const client = wrap({ gate: createFakeGate({ decide }) });
    client.send(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })}\n`);
    expect((await client.answer(1)).result).toMatchObject({
      isError: true,
      _meta: { [denialKey]: { code } },
    });
  });

  it('that cannot be asked gets the denial', async () => {
    const client = speaking();
    const denied = await client.call({ ...params, _meta: meta({}) });
    expect(denied).toMatchObject({
      isError: true,
      _meta: { [denialKey]: { code: 'CONFIRMATION_REQUIRED' } },
    });
  });
});

describe('a seal', () => {
  it('counts for five minutes', async () => {
    let now = 0;
    const seals = createConfirmSeals(() => now);
    const text = await seals.seal({ digest: '00', owner: 'x' });
    now = 299_999;
    const other = await seals.open(text);
    now = 300_000;
    expect((await seals.open(text))?.use()).toBe(false);
    now = 299_999;
    expect(other?.use()).toBe(true);
    expect(other?.use()).toBe(false);
  });
});
