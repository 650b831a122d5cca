import type { HookInput, Options, PreToolUseHookInput } from '@anthropic-ai/claude-agent-sdk';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { governedOptions, type ClaudeGovernOptions } from '../../../adapters/claude-agent-sdk/index.ts';
import { sameJson } from '../../../adapters/shared/same-json.ts';
import type { JsonObject } from '../../../src/call/json.ts';
import type { GovernedEnd } from '../../../src/client/governed.ts';
import { worlds } from '../worlds.ts';

const open = worlds();

const session = { session_id: 's', transcript_path: '/t', cwd: '/w' };

function before(id: string, more: Partial<PreToolUseHookInput> = {}): PreToolUseHookInput {
  const input = { tool_name: 'Bash', tool_input: { command: 'ls' }, tool_use_id: id };
  return { ...session, hook_event_name: 'PreToolUse', ...input, ...more };
}

interface Claude {
  readonly options: Options;
  /** Calls the hooks of an event, as Claude Code would. */
  readonly hear: (input: HookInput, signal?: AbortSignal) => Promise<unknown>;
  /** `denied`, `aborted`, `failed`, … by the call's id. */
  readonly ended: Record<string, string>;
  /** The same of all calls, in order. */
  readonly ends: string[];
}

async function claude(queryOptions: Options = {}, more: Partial<ClaudeGovernOptions> = {}): Promise<Claude> {
  const world = await open();
  const ended: Record<string, string> = {};
  const ends: string[] = [];
  const onEnd = (end: GovernedEnd): void => {
    const error = 'error' in end.ended ? (end.ended.error as { code?: string }).code : undefined;
    const id = end.toolCallId ?? '';
    ended[id] = [end.ended.kind, error].filter(Boolean).join(' ');
    ends.push(`${id} ${ended[id]}`);
  };
  const options = governedOptions(queryOptions, { gate: world.gate, server: 'desk', onEnd, ...more });
  return {
    options,
    ended,
    ends,
    async hear(input, signal = new AbortController().signal) {
      const [matcher] = options.hooks?.[input.hook_event_name] ?? [];
      return matcher?.hooks[0]?.(input, undefined, { signal });
    },
  };
}

const stop = { ...session, hook_event_name: 'Stop', stop_hook_active: false } as const;

describe('the hooks of a query', () => {
  it('stand beside those that are there, and block when they fail', async () => {
    const PreToolUse = [{ hooks: [() => Promise.resolve({})] }];
    const Notification = [{ hooks: [] }];
    const { options } = await claude(
      { model: 'sonnet', hooks: { PreToolUse, Notification } },
      { timeout: 7 },
    );
    expect(options.hooks?.PreToolUse).toMatchObject([{ onFailure: 'block', timeout: 7 }, PreToolUse[0]]);
    expect(options.hooks?.Notification).toEqual(Notification);
    expect(options.model).toBe('sonnet');
  });

  it('count a call as unknown when its own agent stops, and no other agent’s', async () => {
    const { hear, ended } = await claude();
    await hear(before('main'));
    await hear(before('sub', { agent_id: 'a' }));
    await hear(stop);
    expect(ended).toEqual({ main: 'failed OUTCOME_UNREPORTED' });
    await hear({
      ...stop,
      hook_event_name: 'SubagentStop',
      agent_id: 'a',
      agent_transcript_path: '/a',
      agent_type: 'general',
    });
    expect(ended['sub']).toBe('failed OUTCOME_UNREPORTED');
  });

  it('count what a batch is done with, and told nothing of, as unknown', async () => {
    const { hear, ended } = await claude();
    await Promise.all([hear(before('one')), hear(before('other'))]);
    const call = {
      tool_name: 'Bash',
      tool_input: { command: 'ls' },
      tool_use_id: 'one',
      tool_response: 'no',
    };
    await hear({ ...session, hook_event_name: 'PostToolBatch', tool_calls: [call] });
    expect(ended).toEqual({ one: 'failed OUTCOME_UNREPORTED' });
    await hear({ ...session, hook_event_name: 'SessionEnd', reason: 'other' });
    expect(Object.keys(ended)).toEqual(['one', 'other']);
  });

  it('count what was interrupted as unknown', async () => {
    const { hear, ended } = await claude();
    await hear(before('one'));
    const failed = { tool_name: 'Bash', tool_input: { command: 'ls' }, tool_use_id: 'one', error: 'stopped' };
    await hear({ ...session, hook_event_name: 'PostToolUseFailure', ...failed, is_interrupt: true });
    expect(ended).toEqual({ one: 'failed OUTCOME_UNREPORTED' });
  });

  it('let no signal of the hook that is over end the call', async () => {
    const { hear, ended } = await claude();
    const asking = new AbortController();
    await hear(before('one'), asking.signal);
    asking.abort();
    const done = { tool_name: 'Bash', tool_input: { command: 'ls' }, tool_use_id: 'one', tool_response: {} };
    await hear({ ...session, hook_event_name: 'PostToolUse', ...done });
    expect(ended).toEqual({ one: 'done' });
  });

  it('begin nothing for a query that has ended', async () => {
    const abortController = new AbortController();
    abortController.abort();
    const { hear, ended } = await claude({ abortController });
    expect(await hear(before('one'))).toMatchObject({
      hookSpecificOutput: {
        permissionDecision: 'deny',
        permissionDecisionReason: expect.stringContaining('CALLER_CANCELLED'),
      },
    });
    expect(ended).toEqual({ one: 'denied' });
  });

  it('say unknown when the time to carry a call out is over', async () => {
    const { hear, ended } = await claude({}, { settleWithin: 1_500 });
    await hear(before('one'));
    await expect.poll(() => ended).toEqual({ one: 'failed LEASE_ENDED' });
  });

  it('deny input that is no object, and calls whose person cannot be told', async () => {
    const { hear } = await claude();
    const denied = (code: string): object => ({
      hookSpecificOutput: {
        permissionDecision: 'deny',
        permissionDecisionReason: expect.stringContaining(code),
      },
    });
    expect(await hear(before('one', { tool_input: 'ls' }))).toMatchObject(denied('FRAME_INVALID'));
    const nobody = await claude({}, { identity: () => Promise.reject(new Error('no session')) });
    expect(await nobody.hear(before('one'))).toMatchObject(denied('LOGIN_FAILED'));
  });

  it('count the first of two calls with one id as unknown', async () => {
    const { hear, ends } = await claude();
    await hear(before('one'));
    await hear(before('one', { tool_input: { command: 'rm' } }));
    const done = { tool_name: 'Bash', tool_input: { command: 'rm' }, tool_use_id: 'one', tool_response: {} };
    await hear({ ...session, hook_event_name: 'PostToolUse', ...done });
    expect(ends).toEqual(['one failed OUTCOME_UNREPORTED', 'one done']);
  });

  it('trust no server that only has the name of a governed one', async () => {
    const { hear, ended } = await claude({ mcpServers: { notes: { command: 'notes' } } });
    const tool_name = 'mcp__notes__add_note';
    await hear(before('one', { tool_name, mcp_server: { name: 'notes', source: 'sdk' } }));
    await hear(stop);
    expect(Object.keys(ended)).toEqual(['one']);
  });

  it('deny what a prompt allows and no hook was asked about', async () => {
    const { options } = await claude({ canUseTool: () => Promise.resolve({ behavior: 'allow' }) });
    const { signal } = new AbortController();
    const asked = { signal, toolUseID: 'one', requestId: 'r' };
    expect(await options.canUseTool?.('Bash', { command: 'ls' }, asked)).toMatchObject({ behavior: 'deny' });
  });
});

describe('options that would turn hooks off', () => {
  it.each<Options>([
    { extraArgs: { bare: null } },
    { extraArgs: { settings: '{}' } },
    { settings: '/etc/settings.json' },
    { settings: '["no object"]' },
  ])('are refused: %j', async (options) => {
    await expect(claude(options)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it.each<Options>([
    { settings: '{"model":"sonnet","env":{"A":"b","CLAUDE_CODE_SIMPLE":"1"}}' },
    { settings: { model: 'sonnet', env: { A: 'b', CLAUDE_CODE_SIMPLE: '1' } } },
  ])('are overridden, and the rest kept: %j', async (options) => {
    const { settings } = (await claude(options)).options;
    expect(settings).toEqual({
      model: 'sonnet',
      env: { A: 'b', CLAUDE_CODE_SIMPLE: '' },
      disableSkillShellExecution: true,
    });
  });
});

describe('arguments are the same', () => {
  const shuffled = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(shuffled);
    if (typeof value !== 'object' || value === null) return value;
    const members = Object.entries(value as JsonObject).map(([name, member]) => [name, shuffled(member)]);
    return Object.fromEntries(members.toReversed());
  };

  it('in whatever order their members stand', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => sameJson(value, shuffled(value))));
  });

  it('only if their canonical texts are', () => {
    const text = (value: unknown): string =>
      JSON.stringify(value, (_name, member: unknown) => sorted(member));
    const sorted = (member: unknown): unknown =>
      typeof member === 'object' && member !== null && !Array.isArray(member)
        ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
        : member;
    const some = fc.jsonValue({ maxDepth: 2 });
    fc.assert(fc.property(some, some, (one, other) => sameJson(one, other) === (text(one) === text(other))));
  });

  it.each([
    [{}, []],
    [{ a: undefined }, { b: undefined }],
    [JSON.parse('{"__proto__":{}}'), {}],
    [JSON.parse('{"__proto__":1}'), { a: 1 }],
    [null, {}],
    [1, '1'],
  ])('and not: %j, %j', (one: unknown, other: unknown) => {
    expect([sameJson(one, other), sameJson(other, one)]).toEqual([false, false]);
  });
});
