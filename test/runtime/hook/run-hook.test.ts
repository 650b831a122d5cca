import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/call/bytes.ts';
import type { GateClient, GateDecision, OutcomeReport, ToolCall } from '../../../src/client/gate-client.ts';
import { CountersignError } from '../../../src/errors.ts';
import type { HookAnswer } from '../../../src/gateway/hooks/hook-host.ts';
import { hookHosts } from '../../../src/gateway/hooks/hosts.ts';
import { evidenceFilesIn } from '../../../src/runtime/hook/evidence-files.ts';
import { openCallsIn } from '../../../src/runtime/hook/open-calls.ts';
import { promptsIn } from '../../../src/runtime/hook/prompts.ts';
import { runHook } from '../../../src/runtime/hook/run-hook.ts';
import { recorded } from '../../gateway/hooks/recorded.ts';

const envelopes = {
  verdict: '{}',
  openings: { params: '', action: '', input: '' },
} as unknown as Extract<GateDecision, { decision: 'ALLOW' }>['envelopes'];

interface Gate {
  readonly client: GateClient;
  readonly asked: ToolCall[];
  readonly reported: (OutcomeReport & { readonly callId: string })[];
}

type Refusal = 'NO_RULE_ALLOWS' | 'GATE_UNREACHABLE' | 'APPROVAL_REQUIRED';

/** A gate that says the same to everything. */
function gateThat(says: 'ALLOW' | Refusal, settles = true): Gate {
  const asked: ToolCall[] = [];
  const reported: Gate['reported'] = [];
  const client: GateClient = {
    decide(call) {
      asked.push(call);
      const callId = call.callId ?? '';
      const permit = { handle: 'handle', settleBy: Date.now() + 1_000 };
      if (says === 'ALLOW')
        return Promise.resolve({ decision: 'ALLOW', callId, permit, lasts: 1_000, envelopes });
      return Promise.resolve({
        decision: 'DENY',
        callId,
        denial: { code: says, message: 'It is a no.', retryable: false },
      });
    },
    report(callId, _, report) {
      reported.push({ callId, ...report });
      return Promise.resolve(
        settles
          ? { kind: 'settled', envelopes }
          : {
              kind: 'unsettled',
              denial: { code: 'OUTCOME_UNRECORDED', message: 'It may have run.', retryable: false },
            },
      );
    },
    run: () => Promise.reject(new Error('a hook carries nothing out')),
  };
  return { client, asked, reported };
}

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'hook-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const openFolder = (): string => join(folder, 'open');

async function run(
  host: string,
  input: unknown,
  gate: Gate | CountersignError,
  open = openFolder(),
  humanToken = () => Promise.resolve<string | undefined>(undefined),
): Promise<HookAnswer> {
  const known = hookHosts.get(host)!;
  return runHook(utf8(typeof input === 'string' ? input : JSON.stringify(input)), {
    host: known,
    approve: false,
    connect: () => (gate instanceof CountersignError ? Promise.reject(gate) : Promise.resolve(gate.client)),
    humanToken,
    open: openCallsIn(open, host),
    prompts: promptsIn(open, host),
    evidence: evidenceFilesIn(undefined),
    signal: new AbortController().signal,
    onEvent: () => undefined,
  });
}

describe.each(recorded)('a hook of $host', ({ host, events, before, denies }) => {
  it('lets go on what is allowed, asks it under the host’s name, and settles it by the event after', async () => {
    const gate = gateThat('ALLOW');
    const answer = await run(host, before, gate);
    expect(denies(answer.stdout === '' ? { ...answer, stdout: '{}' } : answer)).toBe(false);
    expect(answer).toMatchObject({ exitCode: 0, stderr: '' });
    expect(gate.asked).toMatchObject([{ server: host, settleWithin: 600_000 }]);
    const [file = ''] = readdirSync(openFolder());
    expect(statSync(join(openFolder(), file)).mode & 0o777).toBe(0o600);

    expect(await run(host, events['after'], gate)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect(gate.reported).toMatchObject([{ callId: gate.asked[0]?.callId, outcome: 'executed' }]);
    expect(readdirSync(openFolder())).toEqual([]);
    // Told twice, it is settled once.
    await run(host, events['after'], gate);
    expect(gate.reported).toHaveLength(1);
  });

  it('sends what the person asked for with the calls of that session, and answers the prompt without a gate', async () => {
    const gone = new CountersignError('GATE_UNREACHABLE', 'gone');
    expect(await run(host, events['prompt'], gone)).toMatchObject({ exitCode: 0, stderr: '' });
    const gate = gateThat('ALLOW');
    await run(host, before, gate);
    expect(gate.asked).toMatchObject([{ request: 'write a note' }]);
  });

  it.each(['NO_RULE_ALLOWS', 'GATE_UNREACHABLE', 'APPROVAL_REQUIRED'] as const)(
    'says no to %s, and never asks instead',
    async (code) => {
      const answer = await run(host, before, gateThat(code));
      expect(denies(answer)).toBe(true);
      expect(answer.stderr).toBe(`It is a no. (${code})\n`);
      expect(answer.stdout).not.toContain('"ask"');
      expect(readdirSync(folder)).toEqual([]);
    },
  );
});

const [claude] = recorded;
const event = (name: string): Record<string, unknown> => ({ ...claude?.events[name] });

describe('a hook', () => {
  it('rejects where no gate can be reached, so that whoever runs it says no', async () => {
    const error = new CountersignError('GATE_UNREACHABLE', 'gone');
    await expect(run('claude-code', event('before'), error)).rejects.toBe(error);
  });

  it('gives back what it could not keep, and does not let it begin', async () => {
    const gate = gateThat('ALLOW');
    const taken = join(folder, 'taken');
    writeFileSync(taken, '');
    await expect(run('claude-code', event('before'), gate, taken)).rejects.toThrow();
    expect(gate.reported).toMatchObject([{ outcome: 'aborted' }]);
  });

  it('asks again under the same id when the gate was gone', async () => {
    const gate = gateThat('GATE_UNREACHABLE');
    await run('claude-code', event('before'), gate);
    expect(gate.asked).toHaveLength(2);
    expect(gate.asked[0]).toEqual(gate.asked[1]);
  });

  it('reports other arguments than were decided on as unknown, and tells the person', async () => {
    const gate = gateThat('ALLOW');
    await run('claude-code', event('before'), gate);
    const answer = await run('claude-code', { ...event('after'), tool_input: { file_path: 'x' } }, gate);
    expect(answer).toMatchObject({ exitCode: 1, stdout: '' });
    expect(answer.stderr).toContain('ARGUMENTS_CHANGED');
    expect(gate.reported).toMatchObject([{ outcome: 'unknown' }]);
  });

  it('knows two equal calls apart where the host has no id, the older first', async () => {
    const gate = gateThat('ALLOW');
    const gemini = recorded.find(({ host }) => host === 'gemini-cli')!;
    await run('gemini-cli', gemini.before, gate);
    await run('gemini-cli', gemini.before, gate);
    await run('gemini-cli', gemini.events['failed'], gate);
    await run('gemini-cli', gemini.events['after'], gate);
    expect(gate.reported.map(({ callId, outcome }) => [callId, outcome])).toEqual([
      [gate.asked[0]?.callId, 'failed'],
      [gate.asked[1]?.callId, 'executed'],
    ]);
  });

  it('settles as unknown what a session leaves behind, and nothing of another one', async () => {
    const gate = gateThat('ALLOW');
    await run('claude-code', event('before'), gate);
    await run('claude-code', { ...event('before'), session_id: 'another' }, gate);
    await run('claude-code', event('end'), gate);
    expect(gate.reported).toMatchObject([{ callId: gate.asked[0]?.callId, outcome: 'unknown' }]);
    expect(readdirSync(openFolder())).toHaveLength(1);
  });

  it('tells the person, and never the exit code of a no, when an outcome could not be recorded', async () => {
    const gate = gateThat('ALLOW', false);
    await run('claude-code', event('before'), gate);
    const answer = await run('claude-code', event('after'), gate);
    expect(answer).toMatchObject({ exitCode: 1, stdout: '' });
    expect(answer.stderr).toContain('OUTCOME_UNRECORDED');
  });

  it('settles a call also when its person’s login has ended since', async () => {
    const gate = gateThat('ALLOW');
    await run('claude-code', event('before'), gate);
    const missing = new CountersignError('LOGIN_MISSING', 'gone');
    await run('claude-code', event('after'), gate, openFolder(), () => Promise.reject(missing));
    expect(gate.reported).toMatchObject([{ outcome: 'executed' }]);
    const before = run('claude-code', event('before'), gate, openFolder(), () => Promise.reject(missing));
    await expect(before).rejects.toBe(missing);
  });

  it('settles a call for one of two processes that come for it at once', async () => {
    const gate = gateThat('ALLOW');
    await run('claude-code', event('before'), gate);
    await Promise.all([run('claude-code', event('after'), gate), run('claude-code', event('after'), gate)]);
    expect(gate.reported).toHaveLength(1);
  });
});
