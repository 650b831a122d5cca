import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compilePolicy } from '../../src/policy/compile.ts';
import { plain, runCase, specFiles, wrapped } from './support/conformance.ts';
import { ask, input } from './support/inputs.ts';
import { conditionRefusal } from './support/refusals.ts';

/**
 * `docs/cel.md` against what is measured: cel-spec v0.25.1, by file, and what let calls through in other engines. What fails
 * is listed with the reason; none of it lets a call through that CEL would refuse, but the one that says so, which
 * needs a rule's author to write it.
 */
const knownFailures: Readonly<Record<string, string>> = {
  // The engine does not parse fields in backquotes: such a policy is refused at load. Write args["content-type"].
  'fields/quoted_map_fields/field_access_slash': 'an error where a value is required',
  'fields/quoted_map_fields/field_access_dash': 'an error where a value is required',
  'fields/quoted_map_fields/field_access_dot': 'an error where a value is required',
  'fields/quoted_map_fields/has_field_slash': 'an error where a value is required',
  'fields/quoted_map_fields/has_field_dash': 'an error where a value is required',
  'fields/quoted_map_fields/has_field_dot': 'an error where a value is required',
  // {0: 1, 0u: 2}: a map written with one number as two keys of different types; the first one is found.
  'fields/qualified_identifier_resolution/map_value_repeat_key_heterogeneous':
    'a value where an error is required',
};

const page = readFileSync('docs/cel.md', 'utf8');

/** The cells of the table whose head starts with these cells, without padding; `\|` in a cell is a bar. */
function tableOf(...head: readonly string[]): string[][] {
  const tables = page
    .split(/\n(?!\|)/)
    .map((block) => block.split('\n').filter((line) => line.startsWith('|')));
  const rows = tables
    .map((lines) => lines.map(cellsOf))
    .find(([first = []]) => head.every((cell, at) => first[at] === cell));
  return rows?.slice(2) ?? [];
}

function cellsOf(line: string): string[] {
  return line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) =>
      cell
        .trim()
        .replaceAll('\\|', '|')
        .replace(/^`(.*)`$/, '$1'),
    );
}

const files = specFiles();
const applying = tableOf('file', 'cases', 'apply');
const others = tableOf('file', 'cases', 'why not');

describe('the wrapped engine and cel-spec’s cases', () => {
  const tested = applying.map(([name]) => files.find((file) => file.name === name));
  const measured = tested.map((file) => {
    const core = [...(file?.core ?? [])];
    const results = core.map(([name, test]) => [name, runCase(test, wrapped)] as const);
    const failures = results.filter(([, result]) => result !== 'pass');
    const alone = core.filter(([, test]) => runCase(test, plain) === 'pass').length;
    return { file, failures, row: [file?.total, core.length, core.length - failures.length, alone] };
  });

  it('are told by file as they come out, beside the library’s own', () => {
    const [last, ...rows] = measured.map(({ file, row }) => [file?.name, ...row.map(String)]).toReversed();
    expect(applying).toEqual([...rows.toReversed(), last]);
  });

  it('differ only where it is known and why', () => {
    expect(Object.fromEntries(measured.flatMap(({ failures }) => failures))).toEqual(knownFailures);
  });

  it('are all there: what does not apply is listed with the reason', () => {
    const told = [...applying, ...others].map(([name]) => name);
    expect(told.toSorted()).toEqual(files.map(({ name }) => name).toSorted());
    for (const [name, cases] of others) {
      expect(`${name} ${files.find((file) => file.name === name)?.total}`).toBe(`${name} ${cases}`);
    }
  });

  it('are summed up rightly', () => {
    const sums = [0, 1, 2, 3].map((column) => measured.reduce((sum, { row }) => sum + (row[column] ?? 0), 0));
    const [, apply = 0, ours = 0, alone = 0] = sums.map((sum) => sum.toLocaleString('en-US'));
    expect(page).toContain(
      `Of ${apply} cases that apply, ${ours} pass here, and ${alone} in the library alone.`,
    );
  });
});

describe('what let calls through elsewhere', () => {
  const rows = tableOf('condition', 'arguments');

  it('is in the table', () => {
    expect(rows.length).toBeGreaterThan(15);
  });

  it.each(rows)('%s with %s', (when = '', args = '', _celJs, _marcbachmann, alone, here) => {
    const bindings = { ...input, args: JSON.parse(args) as typeof input.args };
    expect(String(plain(when, bindings as never) ?? 'error')).toBe(alone);
    if (here === 'refused') conditionRefusal(when);
    else expect(ask(when, args)).toBe(here);
  });

  it('holds a thousand brackets: refused here, and the library runs out of stack', () => {
    const deep = `${'('.repeat(1_000)}true${')'.repeat(1_000)}`;
    expect(conditionRefusal(deep)).toContain('brackets');
    expect(plain(deep, {})).toBeUndefined();
  });

  it('holds arguments in the texts of errors: none are in ours', () => {
    const text =
      'version: 1\nname: a\nrules: [{id: r, effect: allow, tools: ["*/*"], when: "args.token.x == 1"}]';
    const decision = compilePolicy([{ name: 'a', text }]).decide({ ...input, args: { token: 'hush-hush' } });
    expect(decision.code).toBe('POLICY_ERROR');
    expect(JSON.stringify(decision)).not.toContain('hush');
  });
});
