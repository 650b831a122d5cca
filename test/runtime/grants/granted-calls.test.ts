import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/call/json.ts';
import type { RunResult } from '../../../src/client/gate-client.ts';
import { openGates } from '../../../src/runtime/home/open-gates.ts';
import { openGate, type OpenGate } from '../../../src/runtime/open-gate.ts';
import { testHome, type Finished, type TestHome } from '../../support/home.ts';

const policy = `version: 1
name: notes
rules:
  - id: notes
    effect: allow
    tools: ['notes/*']
    reason: Notes are harmless.
`;

let place: TestHome;
let gate: OpenGate;
const file = (name: string): string => join(place.work, name);
const grant = (...args: string[]): Promise<Finished> => place.here('grant', ...args);

/** Makes a grant; its file and text. */
async function granted(
  name: string,
  ...args: string[]
): Promise<{ readonly at: string; readonly text: string }> {
  const made = await grant('create', ...args);
  expect(made).toMatchObject({ code: 0, stderr: '' });
  writeFileSync(file(name), made.stdout);
  return { at: file(name), text: made.stdout.trim() };
}

const fromLead = (): string[] => ['--key', file('lead.pem'), '--from', 'shift-lead', '--agent', 'default'];

async function call(tool: string, args: JsonObject, under?: string): Promise<RunResult<unknown>> {
  const asked = { server: 'notes', tool, arguments: args, definition: { name: tool } };
  return gate.run(asked, () => Promise.resolve({ done: true }), under === undefined ? {} : { grant: under });
}

const codeOf = (ended: RunResult<unknown>): string =>
  ended.kind === 'denied' || ended.kind === 'unsettled' ? ended.denial.code : ended.kind;

beforeAll(async () => {
  place = await testHome();
  writeFileSync(file('notes.yaml'), policy);
  for (const name of ['lead', 'holder', 'thief'])
    writeFileSync(file(`${name}.jwk`), (await grant('key', file(`${name}.pem`))).stdout);
  gate = await openGate({ home: place.home, apiKey: place.apiKey, policies: [file('notes.yaml')] });
});

afterAll(async () => {
  await gate.close();
  await place[Symbol.asyncDispose]();
});

describe('a call under a grant', () => {
  it('is denied, in a signed statement, while its granter is trusted by nobody', async () => {
    const { text } = await granted('early.grant', ...fromLead(), '--tool', 'notes/*');
    const ended = await call('add', {}, text);
    expect(codeOf(ended)).toBe('GRANT_FOREIGN');
    expect(ended).toHaveProperty('evidence');
  });

  it('counts from the moment on at which the operator trusts the granter, who is in the log', async () => {
    const { text } = await granted('first.grant', ...fromLead(), '--tool', 'notes/*');
    const trusted = await grant('trust', 'shift-lead', '--key', file('lead.jwk'));
    expect(trusted.code).toBe(0);
    expect(codeOf(await call('add', {}, text))).toBe('done');
    const { stdout } = await place.here('log', 'tail', '--json', '-n', '50');
    expect(stdout).toContain('granter-trusted');
    expect((await grant('list')).stdout).toContain('shift-lead');
  });

  it('is admitted only to the tools of the grant, though policy allows more', async () => {
    const { text } = await granted('add.grant', ...fromLead(), '--tool', 'notes/add');
    expect(codeOf(await call('add', {}, text))).toBe('done');
    expect(codeOf(await call('drop', {}, text))).toBe('GRANT_TOOL_REFUSED');
    expect(codeOf(await call('drop', {}))).toBe('done');
  });

  it('is admitted by policy as well, which the grant does not replace', async () => {
    const { text } = await granted('all.grant', ...fromLead(), '--tool', '*/*');
    const other = { server: 'mail', tool: 'send', arguments: {}, definition: { name: 'send' } };
    expect(codeOf(await gate.run(other, () => Promise.resolve(1), { grant: text }))).toBe('NO_RULE_ALLOWS');
  });

  it('holds to the conditions of the grant', async () => {
    const { text } = await granted(
      'short.grant',
      ...fromLead(),
      '--tool',
      'notes/*',
      '--when',
      'size(args.text) < 6',
    );
    expect(codeOf(await call('add', { text: 'hello' }, text))).toBe('done');
    expect(codeOf(await call('add', { text: 'hello!' }, text))).toBe('GRANT_CONDITION_REFUSED');
    expect(codeOf(await call('add', {}, text))).toBe('GRANT_CONDITION_REFUSED');
  });

  it('may ask for no history that policy does not keep: what came before it would be left out', async () => {
    expect(codeOf(await call('drop', {}))).toBe('done');
    const when = ['--when', "!('notes/drop' in history.calls)"];
    const { text } = await granted('fresh.grant', ...fromLead(), '--tool', 'notes/*', ...when);
    expect(codeOf(await call('add', {}, text))).toBe('GRANT_CONDITION_REFUSED');
  });

  it('counts for what was handed on as well, and however often it was handed on', async () => {
    const holder = ['--holder-key', file('holder.jwk')];
    const root = await granted('twice.grant', ...fromLead(), '--tool', 'notes/*', '--calls', '2', ...holder);
    const handOn = [
      '--key',
      file('holder.pem'),
      '--parent',
      root.at,
      '--agent',
      'default',
      '--tool',
      'notes/*',
    ];
    const one = await granted('one.grant', ...handOn, '--calls', '9');
    const other = await granted('other.grant', ...handOn);
    expect(codeOf(await call('add', {}, one.text))).toBe('done');
    expect(codeOf(await call('add', {}, other.text))).toBe('done');
    for (const text of [root.text, one.text, other.text])
      expect(codeOf(await call('add', {}, text))).toBe('RATE_EXCEEDED');
    expect(codeOf(await call('add', {}))).toBe('done');
  });

  it('spends the budget of the grant, and no more', async () => {
    const { text } = await granted('ten.grant', ...fromLead(), '--tool', 'notes/*', '--budget', '10=args.n');
    expect(codeOf(await call('add', { n: 6 }, text))).toBe('done');
    expect(codeOf(await call('add', { n: 6 }, text))).toBe('BUDGET_EXCEEDED');
    expect(codeOf(await call('add', { n: -6 }, text))).toBe('GRANT_CONDITION_REFUSED');
    expect(codeOf(await call('add', { n: 4 }, text))).toBe('done');
  });

  it('states the chain, and verify prints it in one line', async () => {
    const holder = ['--holder-key', file('holder.jwk')];
    const root = await granted(
      'root.grant',
      ...fromLead(),
      '--tool',
      'notes/*',
      '--request',
      'Keep notes.',
      ...holder,
    );
    const part = await granted(
      'part.grant',
      ...['--key', file('holder.pem'), '--parent', root.at, '--agent', 'default', '--tool', 'notes/add'],
    );
    const ended = await call('add', {}, part.text);
    writeFileSync(file('ended.json'), 'evidence' in ended ? (ended.evidence ?? '') : '');
    const shown = await place.here('verify', '--trust', place.trustFile, file('ended.json'));
    expect(shown.stdout).toMatch(/granted +shift-lead → spiffe:\S+ → spiffe:\S+ \(\S+ → \S+\)/);
    const json = await place.here('verify', '--json', '--trust', place.trustFile, file('ended.json'));
    expect(json.stdout).toContain('"grants"');
    expect(json.stdout).not.toContain('Keep notes.');
  });

  it('is denied from the moment on at which the granter is trusted no more', async () => {
    await grant('trust', 'gone', '--key', file('thief.pem'));
    const { text } = await granted(
      'gone.grant',
      ...['--key', file('thief.pem'), '--from', 'gone', '--agent', 'default', '--tool', 'notes/*'],
    );
    expect(codeOf(await call('add', {}, text))).toBe('done');
    expect(await grant('trust', 'gone', '--remove')).toMatchObject({ code: 0 });
    expect(codeOf(await call('add', {}, text))).toBe('GRANT_FOREIGN');
    expect(await grant('trust', 'gone', '--remove')).toMatchObject({ code: 1 });
  });
});

describe('a gate of this home for one agent', () => {
  const openedWith = (env: Record<string, string>) =>
    openGates({
      ...{ home: place.home, apiKey: place.apiKey, name: 'notes', cwd: place.work },
      policyFiles: [file('notes.yaml')],
      env: { ...place.env, ...env },
      stderr: { write: () => undefined },
    });

  it('narrows each call by the grant of its environment', async () => {
    const { at, text } = await granted('env.grant', ...fromLead(), '--tool', 'notes/add');
    for (const env of [{ COUNTERSIGN_GRANT: text }, { COUNTERSIGN_GRANT_FILE: at }]) {
      const opened = await openedWith(env);
      try {
        const credentials = await opened.credentials();
        expect(credentials.grant).toBe(text);
        expect((await opened.gates.authenticate(credentials)).grants).toHaveLength(1);
      } finally {
        await opened.close();
      }
    }
  });

  it('does not open where the environment’s grant is empty, or said twice', async () => {
    await expect(openedWith({ COUNTERSIGN_GRANT: '' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(openedWith({ COUNTERSIGN_GRANT: 'a', COUNTERSIGN_GRANT_FILE: 'b' })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });

  it('lets an agent that needs a grant do nothing without one, though nobody logs in here', async () => {
    const { text } = await granted('needed.grant', ...fromLead(), '--tool', 'notes/add');
    const settings = join(place.home, 'countersign.yaml');
    writeFileSync(settings, 'version: 1\nidentity:\n  grantsRequired: [default]\n', { mode: 0o600 });
    const opened = await openedWith({});
    try {
      const apiKey = place.apiKey;
      const seen = async (given: string | undefined) =>
        (await opened.gates.authenticate({ apiKey, grant: given }, 'call')).refusal?.code;
      expect(await seen(undefined)).toBe('GRANT_MISSING');
      expect(await seen(text)).toBeUndefined();
    } finally {
      await opened.close();
      rmSync(settings);
    }
  });
});

describe('grant create', () => {
  it.each([
    ['an agent that is none', ['--agent', 'a b']],
    ['a tool that is no pattern', ['--tool', 'notes']],
    ['a condition that is none', ['--when', 'args.n >']],
    ['half a call', ['--calls', '1.5']],
    ['a budget without an amount', ['--budget', '5']],
    ['a budget whose amount is none', ['--budget', '5=args.']],
    ['an end beyond a month', ['--expires', '32d']],
    ['a granter and a parent', ['--parent', 'x']],
    ['a granter whose name could be a grant’s', ['--from', 'sha256:00']],
  ])('refuses %s', async (_, changes) => {
    const made = await grant('create', ...fromLead(), '--tool', 'notes/*', ...changes);
    expect(made).toMatchObject({ code: 2, stdout: '' });
  });

  it('hands on only with the key that the grant names', async () => {
    const root = await granted(
      'mine.grant',
      ...fromLead(),
      '--tool',
      'notes/*',
      '--holder-key',
      file('holder.pem'),
    );
    const words = ['--parent', root.at, '--agent', 'spiffe://example.org/agent/b', '--tool', 'notes/*'];
    expect((await grant('create', '--key', file('thief.pem'), ...words)).code).toBe(2);
    expect((await grant('create', '--key', file('holder.pem'), ...words)).code).toBe(0);
  });

  it('puts nothing secret into what it prints, and overwrites no key', async () => {
    const secret = readFileSync(file('lead.pem'), 'utf8').split('\n')[1] ?? '';
    const { text } = await granted(
      'plain.grant',
      ...fromLead(),
      '--tool',
      'notes/*',
      '--holder-key',
      file('lead.pem'),
    );
    expect(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString()).not.toContain('"d"');
    expect(text).not.toContain(secret);
    expect(await grant('key', file('lead.pem'))).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('grant trust', () => {
  it('has nobody count under a name that the configuration has, whose keys would count', async () => {
    const config = join(place.home, 'countersign.yaml');
    const keys = [JSON.parse(readFileSync(file('lead.jwk'), 'utf8')) as object];
    const foreman = ['trust', 'foreman', '--key', file('thief.jwk')];
    expect((await grant(...foreman)).code).toBe(0);
    writeFileSync(
      config,
      JSON.stringify({ version: 1, identity: { granters: [{ name: 'foreman', keys }] } }),
    );
    const refused = await grant(...foreman);
    const removed = await grant('trust', 'foreman', '--remove');
    rmSync(config);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('CONFIG_INVALID') as unknown });
    expect(removed).toMatchObject({
      code: 0,
      stdout: 'Grants of foreman count still, as countersign.yaml says.\n',
    });
  });
});

describe('grant show', () => {
  it('says what a grant leaves, and that it counts', async () => {
    const { at } = await granted(
      'shown.grant',
      ...[
        ...fromLead(),
        '--tool',
        'notes/*',
        '--when',
        'args.n < 3',
        '--calls',
        '3',
        '--budget',
        '9.5=args.n',
      ],
    );
    const { code, stdout } = await grant('show', at);
    expect(code).toBe(0);
    for (const part of [
      'shift-lead',
      'notes/*',
      'args.n < 3',
      '3 at most',
      '9.5 in all of args.n',
      'by nobody',
    ])
      expect(stdout).toContain(part);
  });

  it('says that a forged one does not, and rewrites no terminal', async () => {
    const { at } = await granted(
      'forged.grant',
      ...['--key', file('thief.pem'), '--from', 'shift-lead', '--agent', 'default', '--tool', 'notes/*'],
      ...['--request', '\u001b[2J'],
    );
    const { code, stdout } = await grant('show', at);
    expect(code).toBe(1);
    expect(stdout).toContain('GRANT_INVALID');
    expect(stdout).not.toContain('\u001b');
    expect(JSON.parse((await grant('show', '--json', at)).stdout)).toMatchObject({ counts: false });
  });
});
