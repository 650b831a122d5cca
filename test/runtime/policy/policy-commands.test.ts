import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { discloseCommand } from '../../../src/cli/disclose.ts';
import { logCommand } from '../../../src/cli/log.ts';
import { policyCheckCommand } from '../../../src/cli/policy-check.ts';
import { policyExplainCommand } from '../../../src/cli/policy-explain.ts';
import { policySimulateCommand } from '../../../src/cli/policy-simulate.ts';
import { policySuggestCommand } from '../../../src/cli/policy-suggest.ts';
import { eraseCommand } from '../../../src/cli/erase.ts';
import { decodeStatementBundle, encodeStatementBundle } from '../../../src/evidence/statement-bundle.ts';
import { compilePolicy } from '../../../src/policy/compile.ts';
import type { Simulation } from '../../../src/runtime/policy/simulate.ts';
import { recordedHome, type RecordedHome } from './recorded-home.ts';

const shadowed = `version: 1
name: shadowed
mode: shadow
rules:
  - { id: read, effect: allow, tools: ['files/read'], when: 'args.path.startsWith("/srv/")' }
  - { id: never, effect: deny, tools: ['files/*'], when: 'args.path.contains("secret")' }
`;
const enforced = `version: 1
name: enforced
rules: [{ id: read, effect: allow, tools: ['files/read'] }]
`;

let home: RecordedHome;
let ids: readonly string[];
let same: string;

beforeAll(async () => {
  home = await recordedHome();
  const inShadow = await home.record(shadowed, [
    ['files/read', { path: '/srv/p/a' }],
    ['files/read', { path: '/srv/p/b' }],
    ['files/read', { path: '/srv/p/c/\u001b[2J\u202e' }],
    ['files/read', { path: '/srv/secret' }],
    ['files/write', { path: '/srv/p/d' }],
  ]);
  const held = await home.record(enforced, [
    ['files/read', { path: '/etc' }],
    ['files/list', { path: '/srv' }],
  ]);
  ids = [...inShadow, ...held];
  same = home.write('same.yaml', shadowed);
});

afterAll(() => home[Symbol.asyncDispose]());

const idAt = (at: number): string => ids[at] ?? '';

describe('policy explain', () => {
  it('explains a recorded call by its own input, and says by which policy', async () => {
    const { code, stdout } = await home.run(policyExplainCommand, '--call', idAt(0), '--policy', same);
    expect(code).toBe(0);
    expect(stdout).toContain('By this very policy');
    expect(stdout).toMatch(/allow read \(shadow\) matches, and decides {2}.*same\.yaml:5:5/);
    expect(stdout).toContain('args.path → "/srv/p/a"');
  });

  it('says that another policy decided then', async () => {
    const { stdout } = await home.run(policyExplainCommand, '--call', idAt(5), '--policy', same);
    expect(stdout).toContain('That was another policy');
  });

  it('shows control characters of a call as what they are, and all of it with --json', async () => {
    const { stdout } = await home.run(policyExplainCommand, '--call', idAt(2), '--policy', same);
    expect(stdout).not.toMatch(/[\u001b\u202e]/);
    expect(stdout).toContain('\\u001b[2J\\u{202e}');
    const { stdout: json } = await home.run(
      policyExplainCommand,
      '--call',
      idAt(2),
      '--policy',
      same,
      '--json',
    );
    expect(JSON.parse(json)).toMatchObject({
      samePolicy: true,
      decision: { verdict: 'ALLOW', enforced: false },
    });
  });

  it('takes the home’s own policy unless told', async () => {
    const { stdout } = await home.run(policyExplainCommand, '--call', idAt(0));
    expect(stdout).toContain('policy starter');
  });

  it('explains a call that is written down, and what disclose printed', async () => {
    const file = home.write('call.json', '{"tool":{"server":"files","name":"read"},"args":{"path":5}}');
    const { stdout } = await home.run(policyExplainCommand, '--input', file, '--policy', same);
    expect(stdout).toContain('error: of another kind');
    const value =
      '{"agent":{},"session":{},"tool":{"server":"files","name":"read"},"args":{"path":"/srv/x"},"now":""}';
    const opening = home.write(
      'opening.json',
      JSON.stringify({ callId: idAt(0), field: 'input', salt: '', value }),
    );
    const { stdout: disclosed } = await home.run(policyExplainCommand, '--input', opening, '--policy', same);
    expect(disclosed).toContain('args.path → "/srv/x"');
  });

  it.each([
    [['--call', 'nonsense'], 2],
    [[], 2],
    [['--input', 'nowhere.json', '--policy', 'same.yaml'], 2],
    [['--input', 'call.json'], 2],
    [['--call', '01a203d2-f290-76c4-a3e1-70aa85ea9300'], 1],
  ])('%j exits %i', async (args, code) => {
    const finished = await home.run(policyExplainCommand, ...args);
    expect([finished.code, finished.stdout]).toEqual([code, '']);
  });
});

it('a refusal names a file with nothing in it that moves a terminal', async () => {
  const { code, stderr } = await home.run(policyCheckCommand, 'no\u001b[31m\u202e.yaml');
  expect([code, stderr]).toEqual([1, expect.stringContaining('no\\u{1b}[31m\\u{202e}.yaml')]);
});

describe('policy simulate', () => {
  const simulation = async (...args: string[]): Promise<Simulation & { readonly code: number }> => {
    const { code, stdout } = await home.run(policySimulateCommand, ...args, '--json');
    return { ...(JSON.parse(stdout) as Simulation), code };
  };

  it('changes nothing under the policy that decided, and writes nothing', async () => {
    const before = readFileSync(join(home.place.home, 'ledger.sqlite'));
    const mixed = home.write('mixed.yaml', shadowed.replace('mode: shadow\n', ''));
    const found = await simulation(mixed);
    expect(found).toMatchObject({ code: 1, calls: 7, replayed: 7 });
    expect(found.byEffect).toEqual({ 'allow → deny': 1, 'deny, not enforced → deny': 2 });
    expect(await simulation(same, '--since', '2099-01-01')).toMatchObject({ code: 0, calls: 0 });
    expect(readFileSync(join(home.place.home, 'ledger.sqlite')).equals(before)).toBe(true);
  });

  it('prints a table and sums, with nothing that moves a terminal', async () => {
    const { code, stdout } = await home.run(policySimulateCommand, same, '-n', '1');
    expect(code).toBe(1);
    expect(stdout).toMatch(/files\/list .* deny → deny, not enforced {2}NO_RULE_ALLOWS/);
    expect(stdout).toContain('7 of 7 calls decided anew');
  });

  it('replays an exported log from what was disclosed of it, and believes nothing that opens no commitment', async () => {
    expect((await home.run(logCommand, 'export', 'exported')).code).toBe(0);
    const { stdout: openings } = await home.run(discloseCommand, idAt(5), '--field', 'input');
    const forged = openings.replace(idAt(5), idAt(6));
    const ofOther = openings.replace('"input"', '"action"').replace(/"value": ?"/, '$&x');
    home.write('openings.jsonl', `${openings}${ofOther}${forged}`);
    const found = await simulation(same, '--export', 'exported', '--openings', 'openings.jsonl');
    expect(found).toMatchObject({ code: 1, calls: 7, replayed: 1, leftOut: { notKept: 5, altered: 1 } });
    expect(found.changes).toMatchObject([{ callId: idAt(5), would: { effect: 'deny, not enforced' } }]);
    home.write('forged.jsonl', forged);
    expect(await simulation(same, '--export', 'exported', '--openings', 'forged.jsonl')).toMatchObject({
      code: 1,
      changed: 0,
      leftOut: { altered: 1 },
    });
    home.write('broken.jsonl', 'no opening\n');
    for (const file of ['broken.jsonl', 'nowhere.jsonl'])
      expect(
        (await home.run(policySimulateCommand, same, '--export', 'exported', '--openings', file)).code,
      ).not.toBe(0);
    expect((await home.run(policySimulateCommand, same, '--export', 'nowhere')).stderr).toContain(
      'NOT_FOUND',
    );
  });

  it('refuses an export that lacks statements: what is not there would not have changed', async () => {
    expect((await home.run(logCommand, 'export', 'short')).code).toBe(0);
    const folder = join(home.place.work, 'short/tile/statements');
    const [name = ''] = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((one) =>
      statSync(join(folder, one)).isFile(),
    );
    const records = decodeStatementBundle(readFileSync(join(folder, name))) ?? [];
    writeFileSync(join(folder, name), encodeStatementBundle(records.slice(0, -1)));
    const { code, stderr } = await home.run(policySimulateCommand, same, '--export', 'short');
    expect([code, stderr]).toEqual([1, expect.stringContaining('EXPORT_UNREADABLE')]);
  });

  it.each([
    [[]],
    [['same.yaml', '--openings', 'openings.jsonl']],
    [['same.yaml', '--since', 'yesterday']],
    [['same.yaml', '--since', '2026-02-31']],
    [['same.yaml', '--since', '2026-13-01T00:00:00Z']],
    [['same.yaml', '-n', '-1']],
  ])('%j is misuse', async (args) => {
    expect((await home.run(policySimulateCommand, ...args)).code).toBe(2);
  });
});

describe('policy suggest', () => {
  it('proposes a pack from what was in shadow, which covers none that a rule denied', async () => {
    const { code, stdout, stderr } = await home.run(policySuggestCommand);
    expect(code).toBe(0);
    expect(stderr).toContain('2 rules from 4 calls.');
    expect(stderr).toContain('left out: 1 that a rule denied');
    const policy = compilePolicy([{ name: 'suggested.yaml', text: stdout }]);
    writeFileSync(home.write('suggested.yaml', ''), stdout.replace('mode: shadow\n', ''));
    expect(policy.id).toBe('suggested');
    expect((await home.run(policyCheckCommand, 'suggested.yaml')).code).toBe(0);
    expect(stdout).toContain('args.path.startsWith("/srv/p/")');
  });

  it('takes what no rule allowed only when asked to', async () => {
    const { stdout } = await home.run(policySuggestCommand, '--denied', '--name', 'more');
    expect(stdout).toContain('name: more');
    expect(stdout).toContain('tools: ["files/list"]');
  });

  it('is nothing, with exit code 1, where nothing was recorded in shadow', async () => {
    const { code, stdout } = await home.run(policySuggestCommand, '--since', '2099-01-01');
    expect([code, stdout]).toEqual([1, '']);
  });

  it('what it proposes would change nothing for what was seen: simulate says so', async () => {
    const { stdout } = await home.run(policySimulateCommand, 'suggested.yaml', '--json');
    const { changes } = JSON.parse(stdout) as Simulation;
    expect(changes.filter(({ was }) => was.effect === 'allow').map(({ tool }) => tool.name)).toEqual([
      'read',
    ]);
  });
});

describe('what lies beside the log is not believed when it is not what was signed', () => {
  it('a changed or erased input is told, and used for nothing', async () => {
    home.tamper(idAt(0), (text) => text.replace('/srv/p/a', '/srv/p/z'));
    expect((await home.run(eraseCommand, idAt(1), '--yes')).code).toBe(0);
    const explained = await home.run(policyExplainCommand, '--call', idAt(0), '--policy', same);
    expect([explained.code, explained.stdout]).toEqual([1, '']);
    expect(explained.stderr).toContain('PLAINTEXT_MISSING');
    expect((await home.run(policyExplainCommand, '--call', idAt(1), '--policy', same)).stderr).toContain(
      'erased',
    );
    const simulated = await home.run(policySimulateCommand, same, '--json');
    expect(simulated.code).toBe(1);
    expect(JSON.parse(simulated.stdout)).toMatchObject({
      replayed: 5,
      leftOut: { altered: 1, notKept: 1 },
      altered: [idAt(0)],
    });
    const { stderr } = await home.run(policySuggestCommand);
    expect(stderr).toMatch(/2 rules from 2 calls\.[^]*it was altered/);
  });
});
