import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HookCallback, Options } from '@anthropic-ai/claude-agent-sdk';
import { describe, expect, it } from 'vitest';
import { connectGate } from '../../../src/client/connect-gate.ts';
import type { GateClient } from '../../../src/client/gate-client.ts';
import type { GovernedEnd } from '../../../src/client/governed.ts';
import type { PolicyInput } from '../../../src/policy/policy.ts';
import { governedOptions, type ClaudeGovernOptions } from '../../../adapters/claude-agent-sdk/index.ts';
import { allowEverything, denyEverything } from '../../gate/harness.ts';
import { toolUse, type Block, type MessagesRequest } from '../../support/anthropic-api.ts';
import { claudeProgram } from '../../support/claude-code.ts';
import { noteTool } from '../contract.ts';
import type { World } from '../world.ts';
import { worlds } from '../worlds.ts';
import { ask, notes } from './driver.ts';

const open = worlds();

interface Governing extends World {
  readonly governed: ClaudeGovernOptions;
  readonly ends: GovernedEnd[];
  /** How each call ended, by the id that the model gave it: what is logged of it, and what `onEnd` was told. */
  readonly outcomes: () => Promise<Readonly<Record<string, string>>>;
}

/** A gate that denies what has “forbidden” in its arguments. */
async function governing(more: Partial<ClaudeGovernOptions> = {}): Promise<Governing> {
  const isForbidden = ({ args }: PolicyInput): boolean => JSON.stringify(args).includes('forbidden');
  const world = await open({
    decide: (input) => (isForbidden(input) ? denyEverything() : allowEverything()),
  });
  const ends: GovernedEnd[] = [];
  const onEnd = (end: GovernedEnd): void => void ends.push(end);
  const outcomes = async (): Promise<Readonly<Record<string, string>>> => {
    const logged = await world.logged();
    const said = ({ ended }: GovernedEnd): string => {
      const outcome = logged.find(
        ({ kind, predicate }) => kind === 'outcome' && predicate['callId'] === ended.callId,
      );
      return `${ended.kind} ${String(outcome?.predicate['outcome'] ?? '')}`.trim();
    };
    return Object.fromEntries(ends.map((end) => [end.toolCallId, said(end)]));
  };
  return { ...world, governed: { gate: world.gate, server: 'desk', onEnd, ...more }, ends, outcomes };
}

const bash = (id: string, command: string): Block => toolUse(id, 'Bash', { command });

/** Runs a command that leaves a mark, and says whether it is there when the agent stops. */
async function leavesMark(governed: ClaudeGovernOptions, more: Options = {}): Promise<boolean> {
  let isLeft: boolean | undefined;
  const look: HookCallback = async ({ cwd }) => {
    isLeft = existsSync(join(cwd, 'mark'));
    return {};
  };
  const options: Options = { ...more, hooks: { ...more.hooks, Stop: [{ hooks: [look] }] } };
  await ask({ script: [[bash('toolu_1', 'echo ran > mark')]], governed, options });
  expect(isLeft).toBeDefined();
  return isLeft === true;
}

describe.skipIf(claudeProgram === undefined)('tools that Claude Code carries out', () => {
  it('run once their ALLOW is in the log, and end as Claude Code tells of them', async () => {
    const { governed, asked, ends, outcomes, logged } = await governing();
    const script = [
      [bash('toolu_1', 'echo milk'), toolUse('toolu_2', 'Write', { file_path: 'list', content: 'milk' })],
      [bash('toolu_3', 'cat list; exit 3'), bash('toolu_4', 'echo forbidden > mark')],
      [bash('toolu_5', 'ls; sleep 0.1'), toolUse('toolu_6', 'WebSearch', { query: 'forbidden fruit' })],
      [toolUse('toolu_7', 'Bash', { command: 'sleep 2', run_in_background: true })],
    ];
    const { told, requests } = await ask({ script, governed });
    expect(asked.map(({ call }) => [call.server, call.tool, call.definition])).toEqual(
      ['Bash', 'Write', 'Bash', 'Bash', 'Bash', 'WebSearch', 'Bash'].map((name) => ['desk', name, { name }]),
    );
    expect(await outcomes()).toEqual({
      toolu_1: 'done executed',
      toolu_2: 'done executed',
      toolu_3: 'failed failed',
      toolu_4: 'denied',
      toolu_5: 'done executed',
      toolu_6: 'denied',
      toolu_7: 'done executed',
    });
    expect(new Set((await logged()).flatMap(({ predicate }) => predicate['observedBy'] ?? []))).toEqual(
      new Set(['caller']),
    );
    expect(ends.find(({ toolCallId }) => toolCallId === 'toolu_1')?.ended).toMatchObject({
      result: { stdout: 'milk' },
    });
    expect(told.get('toolu_1')).toBe('milk');
    expect(told.get('toolu_4')).toContain('NO_RULE_ALLOWS');
    expect(told.get('toolu_5')).toBe('list');
    // What the provider would have searched it was never asked for.
    expect(
      requests.flatMap(({ tools = [] }) => tools.filter(({ type }) => type?.startsWith('web_search'))),
    ).toEqual([]);
    expect(JSON.stringify(requests).includes('dev.countersign')).toBe(false);
  });

  it('are decided once in a server whose handlers ask the gate, and by the hook in one whose do not', async () => {
    const { governed, asked, outcomes } = await governing();
    const mcpServers = {
      ...notes([noteTool()], { ...governed, server: 'office' }, 'governed'),
      ...notes([noteTool()], undefined, 'plain'),
    };
    const script = [
      [
        toolUse('toolu_1', 'mcp__governed__add_note', { text: 'milk' }),
        toolUse('toolu_2', 'mcp__plain__add_note', { text: 'butter' }),
        toolUse('toolu_3', 'mcp__plain__add_note', { text: 'forbidden' }),
      ],
    ];
    const { told, messages, requests } = await ask({ script, governed, options: { mcpServers } });
    expect(asked.map(({ call }) => `${call.server}/${call.tool}`).sort()).toEqual([
      'desk/mcp__plain__add_note',
      'desk/mcp__plain__add_note',
      'office/add_note',
    ]);
    expect(await outcomes()).toEqual({
      toolu_1: 'done executed',
      toolu_2: 'done executed',
      toolu_3: 'denied',
    });
    expect(told.get('toolu_3')).toContain('NO_RULE_ALLOWS');
    // The envelopes are for machines: in the SDK's message, and not in what the model is asked next.
    const results = messages.flatMap((message) => (message.type === 'user' ? [message.tool_use_result] : []));
    expect(results).toContainEqual(
      expect.objectContaining({
        _meta: expect.objectContaining({ 'dev.countersign/envelope': expect.anything() }),
      }),
    );
    expect(JSON.stringify(requests).includes('dev.countersign')).toBe(false);
  });

  it('are asked about in sub-agents too', async () => {
    const { governed, asked, outcomes } = await governing();
    const isSub = ({ messages }: MessagesRequest): boolean =>
      JSON.stringify(messages).includes('SUBTASK') && !JSON.stringify(messages).includes('toolu_a');
    const agent = { description: 'd', prompt: 'SUBTASK', subagent_type: 'general-purpose' };
    const script = (request: MessagesRequest, turn: number): readonly Block[] => {
      if (turn > 0) return [{ type: 'text', text: 'done' }];
      if (!isSub(request)) return [toolUse('toolu_a', 'Agent', agent)];
      return [bash('toolu_1', 'echo in sub; sleep 1'), bash('toolu_2', 'echo forbidden')];
    };
    const { told } = await ask({ script, governed });
    expect(asked.map(({ call }) => call.tool)).toEqual(['Agent', 'Bash', 'Bash']);
    expect(told.get('toolu_1')).toBe('in sub');
    expect(told.get('toolu_2')).toContain('NO_RULE_ALLOWS');
    // The main agent had stopped while the first was running.
    expect(await outcomes()).toEqual({
      toolu_a: 'done executed',
      toolu_1: 'done executed',
      toolu_2: 'denied',
    });
  });
});

describe.skipIf(claudeProgram === undefined)('nothing runs', () => {
  it('when the gate cannot be reached', async () => {
    const gate = connectGate({ url: 'http://127.0.0.1:9', apiKey: 'cs_live_x', retries: 0 });
    expect(await leavesMark({ gate, server: 'desk' })).toBe(false);
  });

  it('when the gate answers after the hook’s time is over, and what it allows then is given back', async () => {
    const { governed, gate, outcomes } = await governing({ timeout: 1 });
    const late: GateClient = {
      ...gate,
      async decide(call) {
        await new Promise((resolve) => setTimeout(resolve, 2_000));
        return gate.decide(call);
      },
    };
    expect(await leavesMark({ ...governed, gate: late })).toBe(false);
    await expect.poll(outcomes).toEqual({ toolu_1: 'denied aborted' });
  });

  it('when the hook itself throws', async () => {
    const { governed } = await governing();
    const { hooks } = governedOptions({}, governed);
    const broken: HookCallback = () => Promise.reject(new Error('broken'));
    const PreToolUse = hooks?.PreToolUse?.map((matcher) => ({ ...matcher, hooks: [broken] })) ?? [];
    expect(await leavesMark(governed, { hooks: { PreToolUse } })).toBe(false);
  });

  it('where an ALLOW meets a permission that is refused, and the outcome is unknown', async () => {
    const { governed, outcomes } = await governing();
    const options: Options = { permissionMode: 'dontAsk', allowDangerouslySkipPermissions: false };
    expect(await leavesMark(governed, options)).toBe(false);
    expect(await outcomes()).toEqual({ toolu_1: 'failed unknown' });
  });

  it.each(['the environment', 'the user’s settings'])('even with hooks turned off in %s', async (where) => {
    const { governed } = await governing();
    const simple = { CLAUDE_CODE_SIMPLE: '1' };
    const { told } = await ask({
      script: [[bash('toolu_1', 'echo forbidden')]],
      governed,
      ...(where === 'the environment' && { env: simple }),
      options: (_cwd, home) => {
        const folder = join(home, '.claude');
        mkdirSync(folder);
        writeFileSync(join(folder, 'settings.json'), JSON.stringify({ env: simple, disableAllHooks: true }));
        return where === 'the environment' ? {} : { settingSources: ['user'] };
      },
    });
    expect(told.get('toolu_1')).toContain('NO_RULE_ALLOWS');
  });
});

it.skipIf(claudeProgram === undefined)('runs no command that only stands in a skill', async () => {
  const { governed, asked } = await governing();
  const { told, requests } = await ask({
    script: [[toolUse('toolu_1', 'Skill', { skill: 'look' })]],
    governed,
    options(cwd) {
      const folder = join(cwd, '.claude', 'skills', 'look');
      mkdirSync(folder, { recursive: true });
      const head = '---\nname: look\ndescription: looks\nallowed-tools: Bash(echo:*)\n---\n';
      writeFileSync(join(folder, 'SKILL.md'), `${head}!\`echo ran$((1+1))times\`\n`);
      return { settingSources: ['project'] };
    },
  });
  expect(asked.map(({ call }) => call.tool)).toEqual(['Skill']);
  expect(told.get('toolu_1')).toContain('look');
  expect(JSON.stringify(requests).includes('ran2times')).toBe(false);
});

describe.skipIf(claudeProgram === undefined)('what cannot be known is not claimed', () => {
  it('of arguments that another hook changed after they were decided on', async () => {
    const { governed, ends, outcomes } = await governing();
    const change: HookCallback = async () => {
      await new Promise((resolve) => setTimeout(resolve, 300));
      const updatedInput = { command: 'echo something else' };
      return { hookSpecificOutput: { hookEventName: 'PreToolUse', updatedInput } };
    };
    const hooks = { PreToolUse: [{ hooks: [change] }] };
    const { told } = await ask({ script: [[bash('toolu_1', 'echo milk')]], governed, options: { hooks } });
    expect(told.get('toolu_1')).toBe('something else');
    expect(await outcomes()).toEqual({ toolu_1: 'failed unknown' });
    expect(ends[0]?.ended).toMatchObject({ error: { code: 'ARGUMENTS_CHANGED' } });
  });

  it('of a call that was running when its query was ended', async () => {
    const { governed, outcomes } = await governing({
      onVerdict: () => setTimeout(() => abortController.abort(), 300),
    });
    const abortController = new AbortController();
    const script = [[bash('toolu_1', 'sleep 20')]];
    await ask({ script, governed, options: { abortController } }).catch(() => undefined);
    await expect.poll(outcomes).toEqual({ toolu_1: 'failed unknown' });
  });

  it('of a call that could not be recorded: the model is told so beside the result', async () => {
    const { governed, gate } = await governing();
    const denial = { code: 'OUTCOME_UNRECORDED', message: 'It may have run.', retryable: false } as const;
    const forgetful: GateClient = { ...gate, report: () => Promise.resolve({ kind: 'unsettled', denial }) };
    const script = [[bash('toolu_1', 'echo milk')]];
    const { requests } = await ask({ script, governed: { ...governed, gate: forgetful } });
    expect(JSON.stringify(requests.at(-1)).includes('It may have run. (OUTCOME_UNRECORDED)')).toBe(true);
  });
});

it.skipIf(claudeProgram === undefined)(
  'decides on what a prompt’s answer changes as on another call',
  async () => {
    const { governed, asked, outcomes } = await governing();
    const prompted: string[] = [];
    const options: Options = {
      permissionMode: 'default',
      allowDangerouslySkipPermissions: false,
      async canUseTool(_tool, { command }, { toolUseID }) {
        prompted.push(toolUseID);
        const isLast = toolUseID === 'toolu_3';
        return {
          behavior: 'allow',
          updatedInput: { command: isLast ? 'touch forbidden' : `${String(command)} butter` },
        };
      },
    };
    const script = [[bash('toolu_1', 'echo'), bash('toolu_2', 'touch milk'), bash('toolu_3', 'touch eggs')]];
    const { told } = await ask({ script, governed, options });
    expect(prompted).toEqual(['toolu_2', 'toolu_3']);
    expect(asked.map(({ call }) => call.arguments['command'])).toEqual([
      'echo',
      'touch milk',
      'touch milk butter',
      'touch eggs',
      'touch forbidden',
    ]);
    expect(await outcomes()).toEqual({
      toolu_1: 'done executed',
      toolu_2: 'done executed',
      toolu_3: 'denied',
    });
    expect(told.get('toolu_3')).toContain('NO_RULE_ALLOWS');
  },
);
