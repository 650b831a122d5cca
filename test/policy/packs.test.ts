import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isCovered } from '../../src/policy/cases/coverage.ts';
import { defaultInput } from '../../src/policy/cases/default-input.ts';
import { judgeCase } from '../../src/policy/cases/judge-case.ts';
import { checkPolicy } from '../../src/policy/check/check.ts';
import { compilePolicy } from '../../src/policy/compile.ts';
import { testPolicies } from '../../src/runtime/policy/test-policies.ts';

const files = readdirSync('policies', { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.yaml'),
);
const packs = files.filter((file) => !file.endsWith('.cases.yaml'));
const here = process.cwd();
const tested = testPolicies(['policies'], here);

function sourceOf(pack: string) {
  return { name: pack, text: readFileSync(`policies/${pack}`, 'utf8') };
}

it.each(packs.map((pack) => pack.replace('.yaml', '.cases.yaml')))('%s lies beside its pack', (file) => {
  expect(files).toContain(file);
});

describe.each(tested.files.map((one) => [one.file, one] as const))('%s', (_, { judged }) => {
  it.each(judged.map((one) => [one.case.title, one] as const))('%s', (__, { differences }) => {
    expect(differences).toEqual([]);
  });
});

it('every rule of a pack has a case that it decides, and one that it does not', () => {
  const open = tested.coverage.filter((one) => !isCovered(one));
  expect(open.map(({ rule, place }) => `${place.name}: ${rule}`)).toEqual([]);
});

describe.each(packs)('%s', (pack) => {
  const { rules, warnings } = checkPolicy([sourceOf(pack)]);

  it('loads without a warning', () => {
    expect(warnings).toEqual([]);
  });

  it('gives a reason and controls for every rule', () => {
    const bare = rules.filter(
      ({ rule: { reason, controls } }) => reason === undefined || controls.length === 0,
    );
    expect(bare.map(({ rule }) => rule.id)).toEqual([]);
  });

  it('names only controls that were looked up', () => {
    const named = rules.flatMap(({ rule }) => rule.controls);
    expect(named.filter((control) => !lookedUp.has(control))).toEqual([]);
  });

  it('is told of in the README', () => {
    expect(readFileSync('policies/README.md', 'utf8')).toContain(`| \`${pack.replace('.yaml', '')}\``);
  });
});

const lookedUp = new Set([
  ...['AC-3', 'AC-4', 'AC-5', 'AC-6', 'AU-10', 'CM-3', 'CM-5', 'CM-7', 'CM-7(5)', 'CM-11', 'IA-2', 'IA-5']
    .concat(['SC-5', 'SC-7', 'SC-18', 'SI-7', 'SI-10'])
    .map((id) => `NIST-800-53r5:${id}`),
  ...['SR-2.1', 'SR-2.1-RE-4', 'SR-2.12', 'SR-3.5'].map((id) => `IEC-62443-3-3:${id}`),
  ...['T0055', 'T0080', 'T0081', 'T0086', 'T0098', 'T0100', 'T0101', 'T0110'].map(
    (id) => `MITRE-ATLAS:AML.${id}`,
  ),
  ...Array.from({ length: 10 }, (_, at) => String(at + 1).padStart(2, '0')).flatMap((number) => [
    `OWASP-ASI:ASI${number}`,
    `OWASP-MCP:MCP${number}`,
  ]),
]);

describe('all packs but the starter, as one policy', () => {
  const sources = packs.filter((pack) => pack !== 'starter.yaml').map(sourceOf);
  const policy = compilePolicy(sources);

  it('load without a warning', () => {
    expect(checkPolicy(sources).warnings).toEqual([]);
  });

  it('allow and deny what each of them alone allows and denies, and demand the same', () => {
    // Which of several rules a denial names hangs on what else denies it.
    const compared = new Set(['verdict', 'obligations']);
    const otherwise = tested.files
      .filter(({ file }) => !file.endsWith('starter.cases.yaml'))
      .flatMap(({ judged }) => judged.map((one) => judgeCase(policy, one.case)))
      .filter(({ differences }) => differences.some(({ what }) => compared.has(what)));
    expect(otherwise.map((one) => one.case.title)).toEqual([]);
  });

  it.each([
    ['files', 'write_file', { path: '/srv/project/a', content: 'x'.repeat(400_000) }],
    ['files', 'read_multiple_files', { paths: Array<string>(30_000).fill('/srv/project/a') }],
    ['git', 'git_add', { repo_path: '/srv/project', files: Array<string>(30_000).fill('a') }],
    ['postgres', 'execute_sql', { sql: `SELECT ${'('.repeat(50_000)}` }],
    ['gmail', 'send_email', { to: Array<string>(30_000).fill('ada@example.org'), subject: '', body: '' }],
    ['claude-code', 'Bash', { command: 'a'.repeat(500_000) }],
    ['browser', 'browser_navigate', { url: `https://example.org/${'a'.repeat(500_000)}` }],
  ])('deny enormous arguments of %s/%s', (server, name, args) => {
    const decision = policy.decide({ ...defaultInput, tool: { ...defaultInput.tool, server, name }, args });
    expect(decision.verdict).toBe('DENY');
  });
});
