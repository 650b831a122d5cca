import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { utf8 } from '../call/sha256.ts';
import {
  isCovered,
  testPolicies,
  type Difference,
  type JudgedCase,
  type RuleCoverage,
  type TestedPolicies,
} from '../runtime/policy/test-policies.ts';
import type { Command, Io } from './io.ts';
import { palette } from './paint.ts';
import { junitOf } from './policy-junit.ts';
import { printable } from './printable.ts';
import { replaceFile } from './replace-file.ts';
import { usage } from './report.ts';

const help = `Usage: countersign policy test FILE…|DIR… [--coverage report|strict|off] [--junit FILE] [--json]

Runs the cases beside packs, and prints what was expected and what was decided where they differ. Exit code: 0 every case
holds (with --coverage strict: and every rule is covered), 1 otherwise.
`;

const coverageModes = ['report', 'strict', 'off'] as const;
type CoverageMode = (typeof coverageModes)[number];

export const policyTestCommand: Command = {
  help,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        coverage: { type: 'string', default: 'report' },
        junit: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    if (positionals.length === 0) throw usage('policy test needs packs, cases, or a folder with them.');
    const mode = coverageModes.find((one) => one === values.coverage);
    if (mode === undefined) throw usage('--coverage is report, strict or off.');
    const tested = testPolicies(positionals, io.cwd);
    if (values.junit !== undefined)
      await replaceFile(resolve(io.cwd, values.junit), utf8(junitOf(tested.files)));
    io.stdout.write(values.json ? asJson(tested) : asText(tested, mode, io));
    const fails = failuresOf(tested).length > 0 || (mode === 'strict' && openRules(tested).length > 0);
    return fails ? 1 : 0;
  },
};

function failuresOf({ files }: TestedPolicies): JudgedCase[] {
  return files.flatMap(({ judged }) => judged.filter(({ differences }) => differences.length > 0));
}

function openRules({ coverage }: TestedPolicies): RuleCoverage[] {
  return coverage.filter((one) => !isCovered(one));
}

function asJson({ files, coverage }: TestedPolicies): string {
  const listed = files.map(({ file, policy, judged }) => ({
    file,
    policy: { id: policy.id, digest: policy.digest },
    cases: judged.map(({ case: { title, place }, decision, differences }) => ({
      title,
      line: place.line,
      holds: differences.length === 0,
      differences,
      decision,
    })),
  }));
  const rules = coverage.map((one) => ({
    rule: one.rule,
    file: one.place.name,
    line: one.place.line,
    decides: one.decides,
    spares: one.spares,
    covered: isCovered(one),
  }));
  return `${JSON.stringify({ files: listed, coverage: rules }, null, 2)}\n`;
}

function asText(tested: TestedPolicies, mode: CoverageMode, io: Io): string {
  const failures = failuresOf(tested);
  const open = mode === 'off' ? [] : openRules(tested);
  const all = tested.files.reduce((sum, { judged }) => sum + judged.length, 0);
  const { good, bad } = palette(io.stdout, io);
  const result =
    failures.length === 0
      ? good(`${all} of ${all} cases hold`)
      : bad(`${failures.length} of ${all} cases do not hold`);
  const covered = `${tested.coverage.length - openRules(tested).length} of ${tested.coverage.length} rules are covered`;
  return [
    ...failures.map((one) => failureText(one, io)),
    ...open.map((one) => openText(one, io)),
    mode === 'off' ? `${result}.\n` : `${result}; ${covered}.\n`,
  ].join('');
}

function failureText({ case: { title, place }, differences }: JudgedCase, io: Io): string {
  const { bold, bad } = palette(io.stdout, io);
  const where = `${printable(place.name)}:${place.line}:${place.column}`;
  return `${bold(where)}: ${bad('fails')}: ${printable(title)}\n${differences.map(differenceText).join('')}`;
}

function differenceText({ what, expected, decided }: Difference): string {
  return `  ${what}: expected ${valueText(expected)}, decided ${valueText(decided)}\n`;
}

function valueText(value: Difference['expected']): string {
  if (value === undefined) return 'nothing';
  return printable(typeof value === 'string' ? value : JSON.stringify(value));
}

function openText({ rule, place, decides, spares, hasCondition }: RuleCoverage, io: Io): string {
  const { bold } = palette(io.stdout, io);
  const where = `${printable(place.name)}:${place.line}:${place.column}`;
  const missing = [
    ...(decides === 0 ? ['case that it decides'] : []),
    ...(spares === 0 && hasCondition ? ['case about its tools that it does not decide'] : []),
  ];
  return `${bold(where)}: the rule ${printable(rule)} has no ${missing.join(', and no ')}\n`;
}
