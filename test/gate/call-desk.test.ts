import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/call/sha256.ts';
import { uuidv7 } from '../../src/call/uuid.ts';
import { createCallDesk } from '../../src/gate/call-desk.ts';
import { knownServer, acceptTools } from '../../src/gate/acceptance.ts';
import { createGates } from '../../src/gate/create-gate.ts';
import { apiKeyDigest, newApiKey } from '../../src/identity/api-key.ts';
import { changeRecorder } from '../../src/runtime/changes.ts';
import { harness, statementOf, type HarnessOptions } from './harness.ts';

const definition = {
  name: 'add',
  description: 'Adds a note.',
  inputSchema: { type: 'object', properties: { text: { type: 'string' } } },
  annotations: { readOnlyHint: false },
};

async function desk(options: HarnessOptions = {}) {
  const made = await harness(options);
  const { parts, keys, apiKey, ledger } = made;
  const recordChange = changeRecorder(parts, 'same-user');
  const start = () => {
    const gates = createGates(parts);
    const isReserved = (name: string): boolean => name === 'actions';
    return { gates, calls: createCallDesk({ gates, ledger, recordChange, isReserved }) };
  };
  const { gates, calls } = start();
  const secondKey = newApiKey();
  const digest = apiKeyDigest(secondKey, new Uint8Array(32));
  keys.set(digest, { ...[...keys.values()][0]!, id: 'key-2', agents: ['other'], digest });
  const ask = async (request: object, { key = apiKey, at = calls } = {}) => {
    const asked = { server: 'notes', tool: 'add', definition, arguments: { text: 'hello' }, ...request };
    const { callId, result } = await at.decide(utf8(JSON.stringify(asked)), { apiKey: key });
    const code = result.kind === 'denied' ? result.denial.code : 'ALLOW';
    return { callId, result, code };
  };
  const verdicts = async () =>
    (await ledger.entries(0, 1_000)).filter(({ kind }) => kind === 'allow' || kind === 'deny').length;
  return { ...made, gates, calls, ask, start, secondKey, recordChange, verdicts };
}

const codeOf = (asked: Promise<{ readonly code: string }>): Promise<string> =>
  asked.then(
    ({ code }) => code,
    (error: unknown) => (error as { readonly code: string }).code,
  );

describe('the tools of a caller', () => {
  it('are pinned when they are declared first, under a name that is this agent’s own', async () => {
    const { ask, gates, ledger } = await desk();
    const { result } = await ask({});
    const { predicate } = statementOf(result.envelopes?.verdict);
    const known = await knownServer(ledger, 'notes');
    expect(predicate['tool']).toMatchObject({
      server: 'notes',
      name: 'add',
      serverDigest: { sha256: known.ref.digest },
    });
    expect(known.tools.map(({ record, state }) => [record.tool, state])).toEqual([['add', 'listed']]);
    expect(JSON.parse(Buffer.from(known.command ?? []).toString())).toEqual({
      kind: 'caller',
      agent: 'spiffe://gate.test/agent/default',
      name: 'notes',
    });
    await gates.close();
  });

  it('of another agent do not go under that name', async () => {
    const { ask, gates, secondKey, ledger } = await desk();
    expect((await ask({})).code).toBe('ALLOW');
    const before = await knownServer(ledger, 'notes');
    const changed = { ...definition, description: 'Safe, I promise.' };
    expect((await ask({ definition: changed }, { key: secondKey })).code).toBe('SERVER_CHANGED');
    expect(await knownServer(ledger, 'notes')).toEqual(before);
    await gates.close();
  });

  it('never go under a name of the gateway’s own, whoever comes first', async () => {
    const { ask, gates } = await desk();
    expect((await ask({ server: 'actions' })).code).toBe('SERVER_CHANGED');
    await gates.close();
  });

  it('are denied when their definition is another, and when they were never declared', async () => {
    const { ask, gates } = await desk();
    expect((await ask({})).code).toBe('ALLOW');
    const changed = { ...definition, description: 'Adds a note, and mails it.' };
    expect((await ask({ definition: changed })).code).toBe('TOOL_CHANGED');
    expect((await ask({ tool: 'remove', definition: undefined })).code).toBe('TOOL_UNKNOWN');
    expect((await ask({})).code).toBe('ALLOW');
    await gates.close();
  });

  it('are decided on as this very request declares them, whatever another one declares at the moment', async () => {
    const { ask, gates } = await desk();
    await ask({});
    const changed = { ...definition, description: 'Something else.' };
    const codes = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => (await ask(i % 2 ? { definition: changed } : {})).code),
    );
    expect(codes).toEqual(Array.from({ length: 20 }, (_, i) => (i % 2 ? 'TOOL_CHANGED' : 'ALLOW')));
    await gates.close();
  });

  it('are the same when members stand in another order: callers print them anew', async () => {
    const { ask, gates } = await desk();
    await ask({});
    const { name, ...rest } = definition;
    expect((await ask({ definition: { ...rest, name } })).code).toBe('ALLOW');
    await gates.close();
  });

  it('may be declared all at once, and called without declaring them again', async () => {
    const { ask, gates } = await desk();
    const tools = [definition, { name: 'remove' }];
    expect((await ask({ tools, definition: undefined })).code).toBe('ALLOW');
    expect((await ask({ tool: 'remove', definition: undefined })).code).toBe('ALLOW');
    await gates.close();
  });

  it('stay known over a restart, as they were declared last', async () => {
    const { ask, gates, start } = await desk();
    await ask({});
    await gates.close();
    const next = start();
    expect((await ask({ definition: undefined }, { at: next.calls })).code).toBe('ALLOW');
    expect((await ask({ tool: 'remove', definition: undefined }, { at: next.calls })).code).toBe(
      'TOOL_UNKNOWN',
    );
    await next.gates.close();
  });

  it('are not more than an agent may have: a name and a tool are in the log for good', async () => {
    const { ask, gates, ledger } = await desk();
    const tools = Array.from({ length: 500 }, (_, i) => ({ name: `t${i}` }));
    const more = tools.map(({ name }) => ({ name: `u${name}` }));
    const most = more.map(({ name }) => ({ name: `v${name}` }));
    const declare = (some: readonly object[]) =>
      codeOf(ask({ tool: 't0', tools: some, definition: undefined }));
    expect([await declare(tools), await declare(more), await declare(most)]).toEqual([
      'ALLOW',
      'ALLOW',
      'TOO_LARGE',
    ]);
    const named = await Promise.all(Array.from({ length: 80 }, (_, i) => codeOf(ask({ server: `s${i}` }))));
    expect(named.filter((code) => code === 'TOO_LARGE')).toHaveLength(80 - 63);
    expect([...(await ledger.headsUnder('server/')).keys()]).toHaveLength(64);
    await gates.close();
  });

  it('can be accepted by an operator, as those of a server', async () => {
    const seen: unknown[] = [];
    const { ask, gates, ledger, recordChange } = await desk({
      decide: (input) => {
        seen.push([input.tool['accepted'], input.tool['annotations']]);
        return {
          verdict: 'ALLOW',
          code: 'RULE_ALLOWS',
          rule: 'all',
          message: '',
          obligations: [],
          controls: [],
        };
      },
    });
    await ask({});
    const server = await knownServer(ledger, 'notes');
    await recordChange(await acceptTools(ledger, server, server.tools));
    await ask({});
    expect(seen.slice(-1)).toEqual([[true, { readOnlyHint: false }]]);
    expect(seen[0]).toEqual([false, undefined]);
    await gates.close();
  });
});

describe('a call id', () => {
  it('that is asked a thousand times at once has one verdict, and one answer', async () => {
    const { ask, gates, verdicts } = await desk();
    const callId = uuidv7(Date.now());
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => ask({ callId })));
    expect(new Set(answers.map(({ result }) => result)).size).toBe(1);
    expect(answers[0]?.code).toBe('ALLOW');
    expect(await verdicts()).toBe(1);
    await gates.close();
  });

  it('with another body is refused, whatever differs', async () => {
    const { ask, gates, verdicts } = await desk();
    const callId = uuidv7(Date.now());
    await ask({ callId });
    for (const other of [
      { arguments: { text: 'hello!' } },
      { tool: 'remove', definition: undefined },
      { context: {} },
    ])
      expect(await codeOf(ask({ callId, ...other }))).toBe('CALL_ID_REUSED');
    expect(await verdicts()).toBe(1);
    await gates.close();
  });

  it('of another key is nobody else’s: its answer is told to no one', async () => {
    const { ask, gates, secondKey, verdicts } = await desk();
    const callId = uuidv7(Date.now());
    await ask({ callId });
    expect(await codeOf(ask({ callId }, { key: secondKey }))).toBe('CALL_ID_KNOWN');
    expect(await verdicts()).toBe(1);
    await gates.close();
  });

  it('that two gates are asked for at once is decided by one of them', async () => {
    const { ask, gates, start, verdicts } = await desk();
    const other = start();
    const callId = uuidv7(Date.now());
    const codes = await Promise.all([codeOf(ask({ callId })), codeOf(ask({ callId }, { at: other.calls }))]);
    expect([...codes].sort()).toEqual(['ALLOW', 'CALL_ID_KNOWN']);
    expect(await verdicts()).toBe(1);
    await Promise.all([gates.close(), other.gates.close()]);
  });

  it('that was decided before a restart is refused, clearly', async () => {
    const { ask, gates, start, verdicts } = await desk();
    const callId = uuidv7(Date.now());
    await ask({ callId });
    await gates.close();
    const next = start();
    expect(await codeOf(ask({ callId }, { at: next.calls }))).toBe('CALL_ID_KNOWN');
    expect(await verdicts()).toBe(1);
    await next.gates.close();
  });

  it('is decided anew when the first try could not be written', async () => {
    const made = await desk();
    const { append } = made.ledger;
    const broken = { ...made.ledger, append: () => Promise.reject(new Error('down')) };
    const gates = createGates({ ...made.parts, ledger: broken });
    const recordChange = made.recordChange;
    await made.ask({});
    const calls = createCallDesk({ gates, ledger: broken, recordChange });
    const callId = uuidv7(Date.now());
    expect((await made.ask({ callId }, { at: calls })).result).not.toHaveProperty('envelopes');
    Object.assign(broken, { append });
    expect((await made.ask({ callId }, { at: calls })).code).toBe('ALLOW');
    await Promise.all([gates.close(), made.gates.close()]);
  });
});

describe('a report', () => {
  it('is answered alike when the very same one comes again, and settles once', async () => {
    const { ask, calls, apiKey, ledger, gates } = await desk();
    const { callId, result } = await ask({});
    const handle = result.kind === 'delegated' ? result.permit.handle : '';
    const said = (outcome: string): Uint8Array => utf8(JSON.stringify({ handle, outcome }));
    const report = (outcome: string) => calls.report(callId, said(outcome), { apiKey });
    const [one, two] = await Promise.all([report('executed'), report('executed')]);
    expect(one).toBe(two);
    await expect(report('failed')).rejects.toMatchObject({ code: 'HANDLE_USED' });
    expect((await ledger.entriesOfCall(callId)).map(({ kind }) => kind)).toEqual(['allow', 'outcome']);
    await gates.close();
  });

  it.each([
    ['no object', '[]', 'FRAME_INVALID'],
    ['another outcome', '{"handle":"h","outcome":"done"}', 'FRAME_INVALID'],
    ['an outcome twice', '{"handle":"h","outcome":"failed","outcome":"executed"}', 'ARGUMENTS_AMBIGUOUS'],
    ['a result of two', '{"handle":"h","outcome":"executed","result":{"a":1,"a":2}}', 'ARGUMENTS_AMBIGUOUS'],
    ['a result of what failed', '{"handle":"h","outcome":"failed","result":1}', 'FRAME_INVALID'],
    ['an error of what was executed', '{"handle":"h","outcome":"executed","error":1}', 'FRAME_INVALID'],
    ['no handle', '{"outcome":"executed"}', 'FRAME_INVALID'],
    ['more than is known', '{"handle":"h","outcome":"executed","observedBy":"gate"}', 'FRAME_INVALID'],
  ])('with %s settles nothing', async (_, body, code) => {
    const { ask, calls, apiKey, ledger, gates } = await desk();
    const { callId } = await ask({});
    await expect(calls.report(callId, utf8(body), { apiKey })).rejects.toMatchObject({ code });
    expect(await ledger.openPermits()).toHaveLength(1);
    await gates.close();
  });
});

describe('a request', () => {
  it.each([
    ['no server', { server: undefined }, 'FRAME_INVALID'],
    ['a server that reaches into other pins', { server: 'a/b' }, 'FRAME_INVALID'],
    ['a tool without a name', { tool: '' }, 'FRAME_INVALID'],
    ['an id that is no UUIDv7', { callId: '00000000-0000-4000-8000-000000000000' }, 'FRAME_INVALID'],
    ['an id in capitals', { callId: '01A20093-EE3B-74F0-946F-148985026A75' }, 'FRAME_INVALID'],
    ['a definition of another tool', { tool: 'remove' }, 'FRAME_INVALID'],
    ['definitions twice', { tools: [definition] }, 'FRAME_INVALID'],
    ['arguments that are no object', { arguments: [1] }, 'FRAME_INVALID'],
    ['an unknown member', { principal: 'root' }, 'FRAME_INVALID'],
    ['endless time', { settleWithin: -1 }, 'FRAME_INVALID'],
    ['keys that differ in case', { arguments: { text: '1', Text: '2' } }, 'ARGUMENTS_AMBIGUOUS'],
  ])('with %s is refused, and nothing is decided', async (_, request, code) => {
    const { ask, verdicts, gates } = await desk();
    expect(await codeOf(ask(request))).toBe(code);
    expect(await verdicts()).toBe(0);
    await gates.close();
  });

  it('that could be read in two ways is refused', async () => {
    const { calls, apiKey, verdicts, gates } = await desk();
    const twice = '{"server":"notes","tool":"add","arguments":{"text":"a","text":"b"}}';
    await expect(calls.decide(utf8(twice), { apiKey })).rejects.toMatchObject({
      code: 'ARGUMENTS_AMBIGUOUS',
    });
    expect(await verdicts()).toBe(0);
    await gates.close();
  });
});
