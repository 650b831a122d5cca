import { dirname, resolve } from 'node:path';
import { addCoverage, coverageOf, type RuleCoverage } from '../../policy/cases/coverage.ts';
import { judgeCase, type JudgedCase } from '../../policy/cases/judge-case.ts';
import { readCases } from '../../policy/cases/read-cases.ts';
import { readRules } from '../../policy/check/checked-rule.ts';
import { compilePolicy } from '../../policy/compile.ts';
import type { Policy } from '../../policy/policy.ts';
import { findCaseFiles, shown } from './case-files.ts';
import { readPolicyFile } from './policy-files.ts';

export { isCovered, type RuleCoverage } from '../../policy/cases/coverage.ts';
export type { Difference, JudgedCase } from '../../policy/cases/judge-case.ts';

/** The cases of one file. */
export interface TestedFile {
  readonly file: string;
  readonly policy: Pick<Policy, 'id' | 'digest'>;
  readonly judged: readonly JudgedCase[];
}

export interface TestedPolicies {
  readonly files: readonly TestedFile[];
  /** Of every rule that is tested, and of those in the same folders that are not. */
  readonly coverage: readonly RuleCoverage[];
}

/** Runs the cases of files and folders. Throws POLICY_INVALID with the place, or POLICY_UNREADABLE. */
export function testPolicies(paths: readonly string[], cwd: string): TestedPolicies {
  const found = findCaseFiles(paths, cwd);
  const tested = found.cases.map((file) => testFile(file, cwd));
  const known = new Set(tested.flatMap(({ packs }) => packs));
  const untested = found.packs.filter((pack) => !known.has(pack)).map((pack) => untestedRules(pack, cwd));
  const coverage = addCoverage([...tested.map((one) => one.coverage), ...untested]);
  return { files: tested, coverage };
}

interface TestedWithPacks extends TestedFile {
  readonly packs: readonly string[];
  readonly coverage: readonly RuleCoverage[];
}

/** The cases of one file, which names the packs that they are about. */
export function testFile(file: string, cwd: string): TestedWithPacks {
  const path = resolve(cwd, file);
  const { policies, cases } = readCases(readPolicyFile(path, file));
  const packs = policies.map((name) => shown(cwd, resolve(dirname(path), name)));
  const sources = packs.map((name) => readPolicyFile(resolve(cwd, name), name));
  const policy = compilePolicy(sources);
  const judged = cases.map((one) => judgeCase(policy, one));
  return { file, policy, judged, packs, coverage: coverageOf(readRules(sources), judged) };
}

function untestedRules(pack: string, cwd: string): readonly RuleCoverage[] {
  const source = readPolicyFile(resolve(cwd, pack), pack);
  compilePolicy([source]);
  return coverageOf(readRules([source]), []);
}
