import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { predicateTypes } from '../../src/names.ts';
import { countersign } from '../support/home.ts';
import {
  callIdIn,
  envelopesOf,
  expectRefused,
  expectVerified,
  recordCalls,
  statementOf,
  type RecordedCalls,
} from '../support/recorded-calls.ts';

let recorded: RecordedCalls;

beforeAll(async () => {
  recorded = await recordCalls();
});

afterAll(() => recorded[Symbol.asyncDispose]());

interface Entry {
  readonly index: number;
  readonly kind: string;
  readonly callId: string | null;
}

const entriesIn = (text: string): Entry[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Entry);

describe('countersign log tail', () => {
  it('prints an entry a line, the newest last, with what was decided', async () => {
    const { code, stdout, stderr } = await recorded.home.cli('log', 'tail');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toContain('log-open');
    expect(lines.find((line) => line.includes('ALLOW'))).toMatch(/things\/look +RULE_ALLOWS look/);
    expect(lines.find((line) => line.includes('DENY'))).toMatch(/things\/change +NO_RULE_ALLOWS/);
    expect(lines.filter((line) => line.includes(recorded.callId))).toHaveLength(2);
  });

  it('--json gives the same entries for machines; -n says how many', async () => {
    const all = await recorded.home.cli('log', 'tail', '--json', '-n', '1000');
    const entries = entriesIn(all.stdout);
    expect(entries.map(({ index }) => index)).toEqual([...entries.keys()]);
    expect(entries.filter(({ callId }) => callId === recorded.callId)).toMatchObject([
      { kind: 'allow', statement: { predicateType: predicateTypes.allow } },
      { kind: 'outcome', statement: { predicateType: predicateTypes.outcome } },
    ]);
    const last = await recorded.home.cli('log', 'tail', '--json', '-n', '2');
    expect(entriesIn(last.stdout)).toEqual(entries.slice(-2));
    expect((await recorded.home.cli('log', 'tail', '-n', '0')).stdout).toBe('');
  });

  it('-f goes on with what comes later, until it is stopped', async () => {
    const command = [countersign, 'log', 'tail', '-f', '-n', '1', '--json'];
    const tail = spawn(process.execPath, command, { env: recorded.home.env });
    const ended = new Promise((resolve) => tail.once('close', (_, signal) => resolve(signal)));
    let text = '';
    tail.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    const lines = (): number => text.split('\n').length - 1;
    await expect.poll(lines).toBe(1);
    await recorded.call('look', { at: 'once more' });
    await expect.poll(lines).toBe(3);
    expect(entriesIn(text).slice(1)).toMatchObject([{ kind: 'allow' }, { kind: 'outcome' }]);
    tail.kill('SIGINT');
    expect(await ended).toBe('SIGINT');
  });
});

describe('a reader that stops, as `head` does', () => {
  it.each(['log tail', 'log tail -f', 'tools list', 'trust'])(
    'ends %s without a stack trace, and not with success',
    async (line) => {
      const { env } = recorded.home;
      const child = spawn(process.execPath, [countersign, ...line.split(' ')], { env });
      const ended = new Promise((resolve) => child.once('close', resolve));
      let stderr = '';
      child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
      child.stdout.destroy();
      expect({ code: await ended, stderr }).toEqual({ code: 141, stderr: '' });
    },
  );
});

describe('countersign log show', () => {
  it.each([[[]], [['--json']]])(
    'with %j prints the envelopes of a call, which verify through a pipe',
    async (form) => {
      const { callId, home } = recorded;
      const { code, stdout } = await home.cli('log', 'show', callId, ...form);
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ callId, verdict: {}, outcome: {} });
      const { calls } = await expectVerified(recorded, stdout, '--expect', 'executed');
      expect(calls.map(({ envelopes }) => envelopes.map(({ kind }) => kind))).toEqual([['allow', 'outcome']]);
      await expectRefused(recorded, 'EXPECTATION_FAILED', stdout, '--expect', 'deny');
      await expectRefused(recorded, 'INPUT_MALFORMED', stdout.replace('"verdict"', '"other"'));
    },
  );

  it('--json is one line, so that the calls of many can be verified together', async () => {
    const ids = [recorded.allowed, recorded.denied].map((result) => callIdIn(envelopesOf(result).verdict));
    const shown = await Promise.all(ids.map((id) => recorded.home.cli('log', 'show', id, '--json')));
    for (const { stdout } of shown) expect(stdout.indexOf('\n')).toBe(stdout.length - 1);
    const { calls } = await expectVerified(recorded, shown.map(({ stdout }) => stdout).join(''));
    expect(calls).toHaveLength(2);
  });

  it('has no outcome of a call that was denied', async () => {
    const callId = callIdIn(envelopesOf(recorded.denied).verdict);
    const { stdout } = await recorded.home.cli('log', 'show', callId, '--json');
    expect(JSON.parse(stdout)).toMatchObject({ callId, outcome: null });
    await expectVerified(recorded, stdout, '--expect', 'deny');
    await expectRefused(recorded, 'EXPECTATION_FAILED', stdout, '--expect', 'allow');
  });

  it('--action prints the very bytes whose SHA-256 is the subject of both statements', async () => {
    const { allowed, args, callId, home, write } = recorded;
    const { code, stdout } = await home.cli('log', 'show', callId, '--action');
    expect(code).toBe(0);
    const sha256 = createHash('sha256').update(stdout).digest('hex');
    const { verdict, outcome } = envelopesOf(allowed);
    for (const envelope of [verdict, outcome ?? verdict]) {
      expect(statementOf(envelope).subject).toMatchObject([{ digest: { sha256 } }]);
    }
    expect(JSON.parse(stdout)).toMatchObject({ callId, server: 'things', tool: 'look', arguments: args });

    const { calls } = await expectVerified(recorded, verdict, '--action', write('action.json', stdout));
    expect(calls[0]?.binding['subject']).toBeDefined();
    await expectRefused(
      recorded,
      'SUBJECT_MISMATCH',
      verdict,
      '--action',
      write('action.json', `${stdout}\n`),
    );
  });

  it('of a call that never was says NOT_FOUND', async () => {
    for (const form of [[], ['--json'], ['--action']]) {
      const { code, stdout, stderr } = await recorded.home.cli('log', 'show', crypto.randomUUID(), ...form);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(/^countersign: NOT_FOUND: /);
    }
  });
});
