import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { govern } from '../../src/client/govern.ts';
import type { Io } from '../../src/cli/io.ts';
import { approveCommand } from '../../src/cli/approve.ts';
import { openGate, type OpenGate } from '../../src/runtime/open-gate.ts';
import { testHome, type TestHome } from '../support/home.ts';

const policy = `version: 1
name: bank
rules:
  - { id: pay, effect: allow, tools: ['bank/pay'], obligations: [{ type: approval, from: operator }] }
  - { id: close, effect: allow, tools: ['bank/close'], obligations: [{ type: approval, from: 'role:lead', count: 2 }] }
`;

let place: TestHome;
let gate: OpenGate;

beforeAll(async () => {
  place = await testHome();
  const file = join(place.work, 'bank.yaml');
  writeFileSync(file, policy);
  gate = await openGate({ home: place.home, apiKey: place.apiKey, policies: [file] });
});

afterAll(async () => {
  await gate.close();
  await place[Symbol.asyncDispose]();
});

const pay = (args: object, tool: `${string}/${string}` = 'bank/pay') =>
  govern(gate, { tool }, (given: object) => ({ paid: given })).run(args);

/** Makes a call that is denied; the id of its request, as its message tells it. */
async function ask(args: object, tool?: `${string}/${string}`): Promise<string> {
  const denied = await pay(args, tool);
  if (denied.kind !== 'denied') throw new Error('it ran');
  return /\b[a-z2-7]{16}\b/.exec(denied.denial.message)?.[0] ?? '';
}

const run = (...args: string[]) => place.here('approve', ...args);

describe('countersign approve', () => {
  it('lists what waits, shows the whole call, approves it, and it runs once; verify says who approved it', async () => {
    const given = { to: 'ada', note: 'thanks\u202e \u001b[2J' };
    const id = await ask(given);
    const listed = await run();
    expect(listed).toMatchObject({ code: 0 });
    expect(listed.stdout).toMatch(new RegExp(`^${id}  pending  bank/pay  asked by spiffe://`));
    const shown = await run('--list', id);
    expect(shown.stdout).toContain('"to": "ada"');
    expect(shown.stdout).toContain('\\u{202e}');
    expect(shown.stdout).toContain('look /note');
    expect(shown.stdout).not.toMatch(/[\u202e\u001b]/u);

    const approved = await run(id, '--yes');
    expect(approved).toMatchObject({ code: 0, stdout: expect.stringContaining('Approved: ') });
    const done = await pay(given);
    expect(done.kind).toBe('done');
    expect(await pay(given)).toMatchObject({ kind: 'denied', denial: { code: 'APPROVAL_REQUIRED' } });

    const [file, action] = [join(place.work, 'paid.json'), join(place.work, 'action.json')];
    writeFileSync(file, done.kind === 'done' ? done.evidence : '');
    writeFileSync(action, (await place.here('log', 'show', '--action', done.callId)).stdout);
    const verified = await place.here('verify', '--trust', place.trustFile, '--action', action, file);
    expect(verified.stdout).toMatch(/approved\s+for rule pay by the operator \(terminal, /);
    expect(verified.stdout).toMatch(/approval\s+opened/);
    expect(verified.code).toBe(0);
    expect((await place.here('log', 'tail')).stdout).toMatch(
      new RegExp(`approved\\s+bank/pay {2}${id} terminal`),
    );
  });

  it('refuses for good, as JSON too', async () => {
    const given = { to: 'eve' };
    const id = await ask(given);
    const refused = await run(id, '--deny', '--json');
    expect(JSON.parse(refused.stdout)).toMatchObject({
      id,
      state: 'refused',
      new: true,
      refusal: { by: 'operator' },
    });
    expect(await pay(given)).toMatchObject({ kind: 'denied', denial: { code: 'APPROVAL_REFUSED' } });
    expect(await run(id, '--yes')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('APPROVAL_REFUSED'),
    });
    expect(JSON.parse((await run('--list', id, '--json')).stdout)).toMatchObject({
      content: { arguments: given },
      findings: [],
    });
  });

  it('is no role and no quorum: it shows the call, and does not answer it', async () => {
    const given = { account: 1 };
    const id = await ask(given, 'bank/close');
    const refused = await run(id, '--yes');
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('APPROVER_REFUSED') });
    expect(refused.stdout).toContain('2 different persons of role:lead');
    expect(await pay(given, 'bank/close')).toMatchObject({ denial: { code: 'APPROVAL_REQUIRED' } });
  });

  it.each([
    ['x'.repeat(16), '--yes'],
    ['../../etc', '--yes'],
    ['constructor', '--deny'],
  ])('knows no request %s', async (...args) => {
    expect(await run(...args)).toMatchObject({ code: 1, stderr: expect.stringContaining('NOT_FOUND') });
  });

  it.each([
    [['--yes']],
    [['--deny']],
    [['a', 'b']],
    [['a', '--yes', '--deny']],
    [['a', '--list', '--yes']],
    [['a', '--json']],
  ])('is misused with %j', async (args) => {
    expect(await run(...args)).toMatchObject({ code: 2, stdout: '' });
  });

  it('asks on a terminal, and takes only a yes for one', async () => {
    const id = await ask({ to: 'bob' });
    expect(await run(id)).toMatchObject({ code: 1, stderr: expect.stringContaining(`approve ${id} --yes`) });
    const said = { out: '', err: '' };
    const answerWith = (text: string): Promise<number> => {
      const stdin = Object.assign(new PassThrough(), { isTTY: true });
      stdin.end(text);
      const io: Io = {
        stdin,
        stdout: { isTTY: true, write: (more) => (said.out += more) },
        stderr: { write: (more) => (said.err += more) },
        env: { ...place.env, NO_COLOR: '1' },
        cwd: place.work,
      };
      return approveCommand.run([id], io);
    };
    expect(await answerWith('\n')).toBe(1);
    expect(said.err).toContain(`approve ${id} --deny`);
    for (const no of ['', 'no', 'yes, please\n']) expect(await answerWith(no)).toBe(1);
    expect(await answerWith('yes\n')).toBe(0);
    expect(said.out).toContain('Approved: ');
  });
});
