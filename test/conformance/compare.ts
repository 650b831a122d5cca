/** Puts what a server passes direct beside what it passes through the gateway, check by check. */
import type { Check, Revision, Scenario, Status, SuiteRun } from './suite.ts';

export interface Comparison {
  readonly revision: Revision;
  readonly scenarios: readonly ScenarioComparison[];
}

export interface ScenarioComparison {
  readonly name: string;
  readonly scored: boolean;
  readonly direct: Count;
  /** `undefined` when only one side was run. */
  readonly through?: Count;
  readonly differences: readonly Difference[];
}

export interface Count {
  readonly passed: number;
  readonly failed: number;
}

export interface Difference {
  readonly check: string;
  /** `lost`: it was better direct. The gateway is to blame, whatever the reason. */
  readonly kind: 'lost' | 'gained';
  /** The statuses in the order in which the suite gave them; empty when it never looked. */
  readonly direct: readonly Status[];
  readonly through: readonly Status[];
  /** What the suite says of the worse side. */
  readonly messages: readonly string[];
}

export function compare(direct: SuiteRun, through: SuiteRun | undefined): Comparison {
  const other = new Map(through?.scenarios.map(({ name, checks }) => [name, checks]));
  return {
    revision: direct.revision,
    scenarios: direct.scenarios.map((scenario) =>
      compareScenario(scenario, through && (other.get(scenario.name) ?? [])),
    ),
  };
}

/** Whether everything that passed direct also passes through the gateway. */
export function isTransparent(comparisons: readonly Comparison[]): boolean {
  const differences = comparisons.flatMap(({ scenarios }) => scenarios.flatMap((each) => each.differences));
  return differences.every(({ kind }) => kind !== 'lost');
}

export function countOf(checks: readonly Check[]): Count {
  const having = (wanted: Status) => checks.filter(({ status }) => status === wanted).length;
  return { passed: having('SUCCESS'), failed: having('FAILURE') };
}

export function sum(counts: readonly (Count | undefined)[]): Count {
  return counts.reduce<Count>(
    (total, count) => ({
      passed: total.passed + (count?.passed ?? 0),
      failed: total.failed + (count?.failed ?? 0),
    }),
    { passed: 0, failed: 0 },
  );
}

function compareScenario(
  { name, scored, checks }: Scenario,
  through: readonly Check[] | undefined,
): ScenarioComparison {
  const direct = countOf(checks);
  if (through === undefined) return { name, scored, direct, differences: [] };
  return { name, scored, direct, through: countOf(through), differences: differencesOf(checks, through) };
}

function differencesOf(direct: readonly Check[], through: readonly Check[]): readonly Difference[] {
  const one = byKey(direct);
  const other = byKey(through);
  const keys = new Set([...one.keys(), ...other.keys()]);
  return [...keys].flatMap((key) => differenceOf(key, one.get(key) ?? [], other.get(key) ?? []));
}

function differenceOf(check: string, one: readonly Check[], other: readonly Check[]): readonly Difference[] {
  const [direct, through] = [one, other].map((checks) => checks.map(({ status }) => status)) as [
    Status[],
    Status[],
  ];
  const lost = isWorse(through, direct);
  if (!lost && !isWorse(direct, through)) return [];
  const messages = (lost ? other : one).flatMap(({ status, errorMessage = '' }) =>
    status === 'SUCCESS' || errorMessage === '' ? [] : [errorMessage],
  );
  return [{ check, kind: lost ? 'lost' : 'gained', direct, through, messages }];
}

/** Fewer passes, or more failures or warnings. What the suite merely notes (INFO) varies with timing. */
function isWorse(these: readonly Status[], than: readonly Status[]): boolean {
  const surplus = (status: Status) =>
    these.filter((each) => each === status).length - than.filter((each) => each === status).length;
  return surplus('SUCCESS') < 0 || surplus('FAILURE') > 0 || surplus('WARNING') > 0;
}

function byKey(checks: readonly Check[]): Map<string, Check[]> {
  return Map.groupBy(checks, ({ id, name }) =>
    id.toLowerCase() === name.toLowerCase() ? id : `${id} ${name}`,
  );
}
