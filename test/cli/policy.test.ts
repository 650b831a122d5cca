import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { policyCommand } from '../../src/cli/policy.ts';
import { CountersignError } from '../../src/errors.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-policy-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const good = `version: 1
name: good
rules:
  - id: read
    effect: allow
    tools: ['files/read_file']
    when: args.path.startsWith("/srv/")
`;
const odd = good
  .replace('name: good', 'name: odd')
  .replace('id: read', 'id: odd')
  .replace('args.path.startsWith("/srv/")', 'args.pth == "a" && args.pth == "b"');
const cases = `cases:
  - title: a file of the project may be read
    input: { args: { path: /srv/a } }
    expect: { verdict: ALLOW, code: RULE_ALLOWS, rule: read }
  - title: another may not
    input: { args: { path: /etc/passwd } }
    expect: { verdict: DENY, code: NO_RULE_ALLOWS }
`;
const tools = {
  tools: [{ name: 'read_file', inputSchema: { type: 'object', properties: { path: { type: 'string' } } } }],
};

const files: Readonly<Record<string, string>> = {
  'good.yaml': good,
  'odd.yaml': odd,
  'bad.yaml': good.replace('args.path', 'human.role'),
  'files.json': JSON.stringify(tools),
  'answer.json': JSON.stringify({ jsonrpc: '2.0', id: 1, result: tools }),
  'listed.json': JSON.stringify([
    { name: 'files', tools: [{ name: 'read_file', definition: tools.tools[0] }] },
  ]),
  'nonsense.json': '[1]',
  'holds/good.yaml': good,
  'holds/good.cases.yaml': cases,
  'holds/deeper/notes.yaml': 'a: b\n',
  'holds/.hidden/broken.cases.yaml': 'nonsense',
  'fails/good.yaml': good,
  'fails/good.cases.yaml': `${cases}  - title: "<every> file may be read \\u202e"
    input: { args: { path: /etc/passwd } }
    expect: { verdict: ALLOW, code: RULE_ALLOWS, obligations: [{ type: witness }] }
`,
  'open/good.yaml': good,
  'open/good.cases.yaml': cases.split('  - title: another')[0] ?? '',
  'untested/good.yaml': good,
  'forms/flow.yaml': '{version: 1, name: flow, rules: [{id: flow, effect: allow, tools: ["*/*"]}]}',
  'forms/json.yaml': JSON.stringify(
    { version: 1, name: 'json', rules: [{ id: 'json', effect: 'allow', tools: ['a/b'] }] },
    null,
    2,
  ),
  'forms/other.yaml': 'a: { rules: [] }\n',
  'empty/readme.txt': '',
};
for (const [name, text] of Object.entries(files)) {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
}

symlinkSync(join(folder, 'good.yaml'), join(folder, 'forms/linked.yaml'));
symlinkSync(folder, join(folder, 'forms/loop.yaml'));

interface Ran {
  readonly code: number | string;
  readonly out: string;
}

async function policy(...args: readonly string[]): Promise<Ran> {
  let out = '';
  const stdout = { write: (text: string) => (out += text), isTTY: false };
  try {
    const code = await policyCommand.run(args, {
      stdin: Readable.from([]),
      stdout,
      stderr: stdout,
      env: {},
      cwd: folder,
    });
    return { code, out };
  } catch (thrown) {
    if (thrown instanceof CountersignError) return { code: thrown.code, out: thrown.message };
    throw thrown;
  }
}

describe('policy check', () => {
  it('says digest, rules and that there is nothing to say, and exits 0', async () => {
    const { code, out } = await policy('check', 'good.yaml');
    expect(code).toBe(0);
    expect(out).toMatch(/^good {2}sha256:[0-9a-f]{64}\n1 rule, no warning\nNot compared with any tools/);
  });

  it('takes every pack of a folder, however it is written, and links to packs', async () => {
    const { out } = await policy('check', 'forms', '--json');
    expect(JSON.parse(out)).toMatchObject({ policy: { id: 'flow+json+good' }, rules: 3 });
    expect((await policy('test', 'forms', '--coverage', 'strict')).out).toContain('0 of 3 rules are covered');
  });

  it('refuses what does not load, with the place and what was meant', async () => {
    const { code, out } = await policy('check', 'bad.yaml');
    expect(code).toBe('POLICY_INVALID');
    expect(out).toMatch(/^bad\.yaml:7:16: .*human\.roles\?/);
  });

  it('prints warnings with file, line, column and kind; they fail only with --strict', async () => {
    const { code, out } = await policy('check', 'odd.yaml');
    expect([code, out.split('\n')[0]]).toEqual([
      0,
      'odd.yaml:7:11: never-true: the condition of the rule odd can be true for no call.',
    ]);
    expect((await policy('check', '--strict', 'odd.yaml')).code).toBe(1);
    expect((await policy('check', '--strict', 'good.yaml')).code).toBe(0);
  });

  it.each(['files.json', 'files=answer.json', 'listed.json'])(
    'compares with the tools of %s',
    async (file) => {
      expect((await policy('check', 'good.yaml', '--strict', '--tools', file)).out).toContain(
        'compared with 1 tool, no warning',
      );
      expect((await policy('check', 'odd.yaml', '--tools', file)).out).toContain('did you mean args.path?');
    },
  );

  it('takes the file’s name for the server’s', async () => {
    expect((await policy('check', 'good.yaml', '--tools', 'answer.json')).out).toContain('no-tool');
  });

  it('says the same as JSON', async () => {
    const { out } = await policy('check', '--json', 'odd.yaml', 'good.yaml', '--tools', 'files.json');
    expect(JSON.parse(out)).toMatchObject({
      policy: { id: 'odd+good', digest: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
      rules: 2,
      tools: 1,
      warnings: [
        { kind: 'never-true', file: 'odd.yaml', line: 7, column: 11, rule: 'odd' },
        { kind: 'undeclared-argument', rule: 'odd' },
      ],
    });
  });

  it.each([
    ['POLICY_UNREADABLE', ['check', 'nowhere.yaml']],
    ['POLICY_UNREADABLE', ['check', 'good.yaml', '--tools', 'nonsense.json']],
    ['POLICY_UNREADABLE', ['check', 'good.yaml', '--tools', 'good.yaml']],
    ['HOME_MISSING', ['check', 'good.yaml', '--home', 'nowhere']],
    ['USAGE', ['check']],
    ['USAGE', ['frobnicate']],
    ['USAGE', []],
    ['USAGE', ['constructor']],
  ])('%s: %j', async (code, args) => {
    expect((await policy(...args)).code).toBe(code);
  });
});

describe('policy test', () => {
  it('runs the cases of a folder, and exits 0 when all hold', async () => {
    expect(await policy('test', 'holds', '--coverage', 'strict')).toEqual({
      code: 0,
      out: '2 of 2 cases hold; 1 of 1 rules are covered.\n',
    });
  });

  it.each(['holds/good.yaml', 'holds/good.cases.yaml', './fails'])('takes %s too', async (path) => {
    expect((await policy('test', path)).out).toMatch(/cases (?:hold|do not hold); /);
  });

  it('shows where a case fails, what was expected and what was decided, and no control characters', async () => {
    const { code, out } = await policy('test', 'fails');
    expect(code).toBe(1);
    expect(out).toBe(
      [
        'fails/good.cases.yaml:8:12: fails: <every> file may be read \\u{202e}',
        '  verdict: expected ALLOW, decided DENY',
        '  code: expected RULE_ALLOWS, decided NO_RULE_ALLOWS',
        '  obligations: expected [{"type":"witness"}], decided []',
        '1 of 3 cases do not hold; 1 of 1 rules are covered.',
        '',
      ].join('\n'),
    );
  });

  it('reports a rule without a case of each kind, which fails only when coverage is strict', async () => {
    const { code, out } = await policy('test', 'open');
    expect([code, out.split('\n')[0]]).toEqual([
      0,
      'open/good.yaml:4:9: the rule read has no case about its tools that it does not decide',
    ]);
    expect((await policy('test', 'open', '--coverage', 'strict')).code).toBe(1);
    expect((await policy('test', 'open', '--coverage', 'off')).out).toBe('1 of 1 cases hold.\n');
  });

  it('reports the rules of a pack without cases', async () => {
    const { code, out } = await policy('test', 'untested', '--coverage', 'strict');
    expect([code, out.split('\n')[0]]).toEqual([
      1,
      'untested/good.yaml:4:9: the rule read has no case that it decides, and no case about its tools that it does not decide',
    ]);
  });

  it('writes JUnit XML that escapes what titles hold', async () => {
    await policy('test', 'fails', 'holds', '--junit', 'junit.xml');
    const xml = readFileSync(join(folder, 'junit.xml'), 'utf8');
    expect(xml).toContain('<testsuites name="countersign policy test" tests="5" failures="1">');
    expect(xml).toContain('name="&#60;every&#62; file may be read \u{202e}"');
  });

  it('says the same as JSON', async () => {
    const { out } = await policy('test', 'fails', '--json');
    expect(JSON.parse(out)).toMatchObject({
      files: [
        {
          file: 'fails/good.cases.yaml',
          policy: { id: 'good' },
          cases: [
            { holds: true },
            { holds: true },
            { line: 8, holds: false, differences: [{ what: 'verdict' }, {}, {}] },
          ],
        },
      ],
      coverage: [{ rule: 'read', decides: 1, spares: 2, covered: true }],
    });
  });

  it.each([
    ['POLICY_UNREADABLE', ['test', 'nowhere']],
    ['POLICY_UNREADABLE', ['test', 'empty']],
    ['POLICY_UNREADABLE', ['test', 'untested/good.yaml']],
    ['POLICY_UNREADABLE', ['test', 'files.json']],
    ['POLICY_INVALID', ['test', 'holds/.hidden/broken.cases.yaml']],
    ['USAGE', ['test']],
    ['USAGE', ['test', 'holds', '--coverage', 'some']],
  ])('%s: %j', async (code, args) => {
    expect((await policy(...args)).code).toBe(code);
  });
});

it('policy help says what a verb takes', async () => {
  expect((await policy('help', 'check')).out).toContain('Usage: countersign policy check FILE');
  expect((await policy('help')).code).toBe('USAGE');
});
