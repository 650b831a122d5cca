import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/call/json.ts';
import { connectGate } from '../../src/client/connect-gate.ts';
import type { CallOptions, GateClient } from '../../src/client/gate-client.ts';
import type { GovernedEnd, GovernedVerdict } from '../../src/client/governed.ts';
import { denyEverything, statementOf } from '../gate/harness.ts';
import { allow, deny, evidenceOf, kinds, notesAskedFor } from './contract-parts.ts';
import { worlds } from './worlds.ts';

/** What every adapter owes, whichever framework it is for. The framework is the real one; its model is a script. */

/** A tool as the tests mean it: the adapter's driver makes it one of its framework. */
export interface ToolSpec {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of its arguments: an object of texts. */
  readonly parameters: {
    readonly type: 'object';
    readonly properties: Readonly<Record<string, { readonly type: 'string' }>>;
    readonly required: readonly string[];
  };
  readonly execute: (args: JsonObject, signal: AbortSignal | undefined) => Promise<JsonObject>;
  /** In place of `execute`: the last part is the result. */
  readonly parts?: (args: JsonObject) => AsyncGenerator<JsonObject>;
}

export interface ModelCall {
  readonly id: string;
  readonly name: string;
  readonly args: JsonObject;
}

/** One run of an agent. The model makes all of these calls in its first answer, and says “done” in its second. */
export interface Run {
  readonly gate: GateClient;
  readonly server: string;
  readonly tools: readonly ToolSpec[];
  readonly calls: readonly ModelCall[];
  /** To be given to the framework as its user would, and to be found again by the adapter's `identity`. */
  readonly humanToken?: string;
  /** What the person says to the agent, to be found again by the adapter's `request`. */
  readonly says?: string;
  readonly signal?: AbortSignal;
  /** What the person says whom the framework asks, wherever it can. Absent where nobody is there to be asked. */
  readonly confirm?: boolean;
  readonly onVerdict: (verdict: GovernedVerdict) => void;
  readonly onEnd: (ended: GovernedEnd) => void;
}

export interface Ran {
  /** What the model was told of each call, by the call's id; absent where the framework ended the run instead. */
  readonly told: ReadonlyMap<string, string>;
  /** Everything that the framework tells tracers, callbacks, stored messages and checkpoints, as text. */
  readonly traces: string;
  /** How often the person was asked. */
  readonly questions?: number;
}

export interface AdapterDriver {
  readonly name: string;
  readonly run: (run: Run) => Promise<Ran>;
  /** Cases that its framework has no such thing for, each with the reason. */
  readonly lacks?: Partial<
    Record<'streaming' | 'unknown tool' | 'abort' | 'parallel' | 'confirmation', string>
  >;
}

const server = 'office';

export function describeAdapter(driver: AdapterDriver): void {
  const world = worlds();

  /** Runs the driver, and takes note of all that it is told. */
  const run = async (
    given: Pick<Run, 'gate' | 'tools' | 'calls'> & Partial<Run>,
  ): Promise<Ran & { verdicts: GovernedVerdict[]; ends: GovernedEnd[] }> => {
    const verdicts: GovernedVerdict[] = [];
    const ends: GovernedEnd[] = [];
    const onVerdict = (verdict: GovernedVerdict): void => void verdicts.push(verdict);
    const onEnd = (ended: GovernedEnd): void => void ends.push(ended);
    const ran = await driver.run({ server, onVerdict, onEnd, ...given });
    return { ...ran, verdicts, ends };
  };
  const possible = (what: keyof NonNullable<AdapterDriver['lacks']>): typeof it | typeof it.skip =>
    driver.lacks?.[what] === undefined ? it : it.skip;

  describe(`${driver.name}: what every adapter owes`, () => {
    it('runs a tool once its ALLOW is in the log, with exactly the arguments that were decided on', async () => {
      const { gate, logged, asked } = await world();
      const seen: unknown[] = [];
      const tool = noteTool(async (args) => {
        seen.push(args, kinds(await logged()));
        return { added: args['text'] ?? null };
      });
      const ran = await run({ gate, tools: [tool], calls: [note('call_1', 'milk')] });
      expect(seen).toEqual([{ text: 'milk' }, ['allow']]);
      expect(asked.map(({ call }) => [call.server, call.tool, call.arguments])).toEqual([
        [server, 'add_note', { text: 'milk' }],
      ]);
      expect(await logged()).toMatchObject([
        { kind: 'allow', predicate: { tool: { server, name: 'add_note' } } },
        { kind: 'outcome', predicate: { outcome: 'executed', observedBy: 'caller' } },
      ]);
      expect(ran.told.get('call_1')).toContain('milk');
      expect(ran.verdicts).toMatchObject([{ decision: 'ALLOW', tool: 'add_note' }]);
      expect(ran.ends).toMatchObject([{ tool: 'add_note', ended: { kind: 'done' } }]);
      expect(JSON.parse(evidenceOf(ran.ends[0]))).toMatchObject({ callId: ran.verdicts[0]?.callId });
    });

    it('declares what its tool is: name, description and schema are pinned', async () => {
      const { gate, asked } = await world();
      await run({ gate, tools: [noteTool()], calls: [note('call_1', 'milk')] });
      const { description, parameters } = noteTool();
      expect(asked[0]?.call.definition).toMatchObject({
        name: 'add_note',
        description,
        inputSchema: { type: 'object', properties: { text: parameters.properties['text'] } },
      });
    });

    it('never runs what is denied, and tells the model what was refused and why', async () => {
      const { gate, logged } = await world({ decide: denyEverything });
      const tool = counted();
      const ran = await run({ gate, tools: [tool], calls: [note('call_1', 'milk')] });
      expect(tool.runs()).toBe(0);
      expect(ran.told.get('call_1')).toContain('NO_RULE_ALLOWS');
      expect(kinds(await logged())).toEqual(['deny']);
      expect(ran.verdicts).toMatchObject([{ decision: 'DENY', denial: { code: 'NO_RULE_ALLOWS' } }]);
      expect(statementOf(ran.verdicts[0]?.envelopes?.verdict).predicate['verdict']).toBe('DENY');
      expect(ran.ends).toMatchObject([{ ended: { kind: 'denied' } }]);
      expect(JSON.parse(evidenceOf(ran.ends[0]))).toMatchObject({ decision: 'DENY' });
    });

    it('never runs what needs approval and has none', async () => {
      const { gate, logged } = await world({ decide: () => deny('APPROVAL_REQUIRED') });
      const tool = counted();
      const ran = await run({ gate, tools: [tool], calls: [note('call_1', 'milk')] });
      expect(tool.runs()).toBe(0);
      expect(kinds(await logged())).toEqual(['deny']);
      expect(ran.verdicts[0]?.denial?.code).toBe('APPROVAL_REQUIRED');
    });

    it('never runs what has to be confirmed where nobody is there to be asked', async () => {
      const { gate, logged } = await world({ decide: () => allow('confirm') });
      const tool = counted();
      const ran = await run({ gate, tools: [tool], calls: [note('call_1', 'milk')] });
      expect(tool.runs()).toBe(0);
      expect(kinds(await logged())).toEqual(['deny']);
      expect(ran.verdicts[0]?.denial?.code).toBe('CONFIRMATION_REQUIRED');
    });

    it('has policy know what the person asked for, and nothing that the model says besides: fromRequest', async () => {
      const { gate, asked, logged } = await world({ policy: notesAskedFor(server) });
      const says = 'Please note that there is no oat milk.';
      const calls = [note('call_1', 'oat milk'), note('call_2', 'all our passwords')];
      const ran = await run({ gate, tools: [noteTool()], calls, says });
      expect(asked.map(({ call }) => call.request)).toEqual([says, says]);
      expect(kinds(await logged()).toSorted()).toEqual(['allow', 'deny', 'outcome']);
      expect(ran.told.get('call_2')).toContain('NO_RULE_ALLOWS');
    });

    possible('confirmation')('asks the person once, and a yes runs the call once', async () => {
      const { gate, logged } = await world({ decide: () => allow('confirm') });
      const tool = counted();
      const ran = await run({ gate, tools: [tool], calls: [note('call_1', 'milk')], confirm: true });
      expect([ran.questions, tool.runs()]).toEqual([1, 1]);
      // A framework that asks by itself, before the gate does, has the confirmation at once.
      const verdicts = (await logged()).filter(({ kind }) => kind !== 'deny');
      expect(verdicts).toMatchObject([
        { kind: 'allow', predicate: { confirmation: 'client-asserted' } },
        { kind: 'outcome', predicate: { outcome: 'executed' } },
      ]);
      expect(ran.told.get('call_1')).toContain('added');
    });

    possible('confirmation')('runs nothing after a no', async () => {
      const { gate, logged, asked } = await world({ decide: () => allow('confirm') });
      const tool = counted();
      const ran = await run({ gate, tools: [tool], calls: [note('call_1', 'milk')], confirm: false });
      expect([ran.questions, tool.runs()]).toEqual([1, 0]);
      expect(kinds(await logged())).not.toContain('allow');
      expect(asked.filter(({ call }) => call.confirmed)).toEqual([]);
    });

    possible('confirmation')('takes a yes for no approval', async () => {
      const { gate, logged } = await world({ decide: () => allow('confirm', 'approval') });
      const tool = counted();
      const ran = await run({ gate, tools: [tool], calls: [note('call_1', 'milk')], confirm: true });
      expect([ran.questions, tool.runs()]).toEqual([1, 0]);
      expect(kinds(await logged())).not.toContain('allow');
      expect(ran.verdicts.at(-1)?.denial?.code).toBe('APPROVAL_REQUIRED');
    });

    it('records what throws as failed, and leaves the error to the framework', async () => {
      const { gate, logged } = await world();
      const tool = noteTool(() => Promise.reject(new TypeError('the notebook is full')));
      const ran = await run({ gate, tools: [tool], calls: [note('call_1', 'milk')] });
      expect(await logged()).toMatchObject([
        { kind: 'allow' },
        { kind: 'outcome', predicate: { outcome: 'failed' } },
      ]);
      expect(ran.ends).toMatchObject([{ ended: { kind: 'failed', error: { name: 'TypeError' } } }]);
      const told = ran.told.get('call_1');
      if (told !== undefined) expect(told).toContain('the notebook is full');
    });

    it('runs nothing when the gate fails', async () => {
      const { gate } = await world();
      const tool = counted();
      const broken: GateClient = { ...gate, decide: () => Promise.reject(new Error('the gate is broken')) };
      const ran = await run({ gate: broken, tools: [tool], calls: [note('call_1', 'milk')] });
      expect(tool.runs()).toBe(0);
      expect(ran.verdicts).toMatchObject([{ decision: 'DENY', denial: { code: 'INTERNAL' } }]);
      expect(ran.told.get('call_1')).toContain('INTERNAL');
    });

    it('runs nothing when the gate cannot be reached', async () => {
      const tool = counted();
      const gate = connectGate({ url: 'http://127.0.0.1:9', apiKey: 'cs_live_x', retries: 0 });
      const ran = await run({ gate, tools: [tool], calls: [note('call_1', 'milk')] });
      expect(tool.runs()).toBe(0);
      expect(ran.told.get('call_1')).toContain('GATE_UNREACHABLE');
    });

    const late = { code: 'HANDLE_EXPIRED', message: 'It came too late.', retryable: true } as const;
    it.each<[string, GateClient['report']]>([
      ['refuses to record it', () => Promise.resolve({ kind: 'unsettled', denial: late })],
      ['fails over it', () => Promise.reject(new Error('the gate is broken'))],
    ])('tells the model not to repeat a call that ran where the gate %s', async (_, report) => {
      const { gate } = await world();
      const tool = counted();
      const ran = await run({ gate: { ...gate, report }, tools: [tool], calls: [note('call_1', 'milk')] });
      expect(tool.runs()).toBe(1);
      expect(ran.told.get('call_1')).toContain('OUTCOME_UNRECORDED');
      expect(ran.ends).toMatchObject([{ ended: { kind: 'unsettled' } }]);
    });

    possible('abort')('stops a tool when its caller stops, and records that its end is unknown', async () => {
      const { gate, logged } = await world();
      const caller = new AbortController();
      const tool = noteTool(
        (_args, signal) =>
          new Promise((_resolve, reject) => {
            const stop = (): void => reject(new Error('stopped'));
            if (signal?.aborted) stop();
            signal?.addEventListener('abort', stop);
            caller.abort();
            // A framework that hands its tools no signal leaves them running: they end by themselves then.
            setTimeout(stop, 1_000).unref();
          }),
      );
      await run({ gate, tools: [tool], calls: [note('call_1', 'milk')], signal: caller.signal }).catch(
        () => undefined,
      );
      await expect.poll(async () => kinds(await logged())).toEqual(['allow', 'outcome']);
      expect((await logged())[1]?.predicate['outcome']).toBe('unknown');
    });

    possible('abort')('begins nothing for a caller who has gone', async () => {
      const { gate, logged } = await world();
      const tool = counted();
      const caller = new AbortController();
      const left: GateClient = {
        ...gate,
        async decide(...asked) {
          const decided = await gate.decide(...asked);
          caller.abort();
          return decided;
        },
      };
      await run({ gate: left, tools: [tool], calls: [note('call_1', 'x')], signal: caller.signal }).catch(
        () => undefined,
      );
      expect(tool.runs()).toBe(0);
      await expect.poll(async () => kinds(await logged())).toEqual(['allow', 'outcome']);
      expect((await logged())[1]?.predicate['outcome']).toBe('aborted');
    });

    possible('streaming')('passes on what a tool gives in parts, and records the last of them', async () => {
      const { gate, logged } = await world();
      const tool: ToolSpec = {
        ...noteTool(),
        async *parts({ text = null }) {
          yield { written: 0 };
          yield { written: 1, text };
        },
      };
      const ran = await run({ gate, tools: [tool], calls: [note('call_1', 'milk')] });
      expect(ran.told.get('call_1')).toContain('milk');
      expect(kinds(await logged())).toEqual(['allow', 'outcome']);
      expect(ran.ends).toMatchObject([{ ended: { kind: 'done', result: { written: 1, text: 'milk' } } }]);
    });

    possible('parallel')('decides calls that are made at once each by itself', async () => {
      const { gate, logged } = await world({
        decide: ({ args }) => (args['text'] === 'n3' ? denyEverything() : allow()),
      });
      const seen: unknown[] = [];
      const tool = noteTool(async (args) => {
        seen.push(args['text']);
        return { added: args['text'] ?? null };
      });
      const calls = Array.from({ length: 6 }, (_, n) => note(`call_${n}`, `n${n}`));
      const ran = await run({ gate, tools: [tool], calls });
      expect(seen.sort()).toEqual(['n0', 'n1', 'n2', 'n4', 'n5']);
      expect(kinds(await logged()).toSorted()).toEqual([
        ...Array.from({ length: 5 }, () => 'allow'),
        'deny',
        ...Array.from({ length: 5 }, () => 'outcome'),
      ]);
      for (const [n, { id }] of calls.entries())
        expect(ran.told.get(id)).toContain(n === 3 ? 'NO_RULE_ALLOWS' : `n${n}`);
    });

    possible('unknown tool')('runs nothing for a tool that there is not', async () => {
      const { gate, logged } = await world();
      const tool = counted();
      const call = { id: 'call_1', name: 'no_such_tool', args: { text: 'milk' } };
      const ran = await run({ gate, tools: [tool], calls: [call] }).catch(() => undefined);
      expect(tool.runs()).toBe(0);
      expect(ran?.ends.filter(({ ended }) => ended.kind === 'done') ?? []).toEqual([]);
      expect(kinds(await logged())).not.toContain('outcome');
    });

    it('takes huge arguments whole', async () => {
      const { gate } = await world();
      const text = 'x'.repeat(300_000);
      const seen: number[] = [];
      const tool = noteTool(async (args) => {
        seen.push(String(args['text']).length);
        return { added: true };
      });
      await run({ gate, tools: [tool], calls: [note('call_1', text)] });
      expect(seen).toEqual([text.length]);
    });

    it('is not led astray by arguments that are called __proto__', async () => {
      const { gate, asked } = await world();
      const args = JSON.parse('{"text":"milk","__proto__":{"isAdmin":true}}') as JsonObject;
      const seen: string[] = [];
      const tool = noteTool(async (given) => {
        seen.push(JSON.stringify(given), String(given['isAdmin']));
        return { added: true };
      });
      await run({ gate, tools: [tool], calls: [{ id: 'call_1', name: 'add_note', args }] }).catch(
        () => undefined,
      );
      expect(({} as Record<string, unknown>)['isAdmin']).toBeUndefined();
      // A framework may leave the member out, or refuse the call: what runs is what was decided on, and has no other prototype.
      const decided = asked.map(({ call }) => JSON.stringify(call.arguments));
      if (seen.length > 0) expect(seen).toEqual([...decided, 'undefined']);
    });

    it('binds each call to the person of its own run', async () => {
      const { gate, asked } = await world();
      const people = ['token-of-one', 'token-of-another', 'token-of-a-third'];
      await Promise.all(
        people.map((humanToken) =>
          run({ gate, tools: [noteTool()], calls: [note('call_1', humanToken)], humanToken }),
        ),
      );
      const bound = asked.map(({ call, options }) => [call.arguments['text'], options.humanToken]);
      expect(bound.sort()).toEqual(people.map((token) => [token, token]).sort());
    });

    it('keeps tokens and keys out of everything that the framework traces or stores', async () => {
      const { gate, apiKey, asked } = await world();
      const humanToken = 'eyJhbGciOiJFUzI1NiJ9.c2VjcmV0LW9mLWEtcGVyc29u.c2lnbmF0dXJl';
      const ran = await run({ gate, tools: [noteTool()], calls: [note('call_1', 'milk')], humanToken });
      expect(asked.map(({ options }: { options: CallOptions }) => options.humanToken)).toEqual([humanToken]);
      expect(ran.traces).not.toBe('');
      expect(ran.traces).not.toContain(humanToken);
      expect(ran.traces).not.toContain(apiKey);
    });
  });
}

export function noteTool(
  execute: ToolSpec['execute'] = async ({ text = null }) => ({ added: text }),
): ToolSpec {
  return {
    name: 'add_note',
    description: 'Adds a note.',
    parameters: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
    execute,
  };
}

function counted(): ToolSpec & { readonly runs: () => number } {
  let runs = 0;
  const tool = noteTool(async () => ({ added: (runs += 1) }));
  return { ...tool, runs: () => runs };
}

function note(id: string, text: string): ModelCall {
  return { id, name: 'add_note', args: { text } };
}
