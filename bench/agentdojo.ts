import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compilePolicy } from '../src/policy/compile.ts';
import { loadCases } from './agentdojo/data.ts';
import {
  metricsOf,
  scoreOtherTasks,
  scoreSuite,
  shareOf,
  type Metrics,
  type Share,
  type SuiteScore,
} from './agentdojo/score.ts';
import { figure, type Figure } from './figure.ts';

/**
 * AgentDojo's tasks and injections, replayed without a model: see docs/benchmarks.md. T0 is one policy a suite by role alone, T1 one
 * that leans on what the person asked for and on where values were seen. Neither knows a case.
 */
const tiers = ['t0', 't1'] as const;
const suites = ['workspace', 'travel', 'banking', 'slack'] as const;

export async function* bench(): AsyncGenerator<Figure> {
  const cases = loadCases();
  if (typeof cases === 'string') {
    console.error(cases);
    return;
  }
  for (const tier of tiers) {
    const scores: SuiteScore[] = [];
    for (const suite of suites) {
      const name = `${suite}.${tier}.yaml`;
      const text = readFileSync(join(import.meta.dirname, 'agentdojo/packs', name), 'utf8');
      const policy = compilePolicy([{ name, text }]);
      const own = cases.filter((one) => one.suite === suite);
      const score = scoreSuite(policy, own);
      scores.push(score);
      tell(`${tier} ${suite}`, score);
      yield* figures(`agentdojo: ${tier} ${suite}`, metricsOf([score]));
      const others = shareOf(scoreOtherTasks(policy, own), ({ attacked }) => attacked);
      yield percent(`agentdojo: ${tier} ${suite}, other tasks as injections, wASR`, others);
    }
    yield* figures(`agentdojo: ${tier}`, metricsOf(scores));
  }
}

function* figures(title: string, metrics: Metrics): Generator<Figure> {
  yield percent(`${title}, BAR`, metrics.allowed);
  yield percent(`${title}, BAR with approvals apart`, metrics.undenied);
  yield percent(`${title}, tasks with approvals`, metrics.approvals);
  yield percent(`${title}, wASR`, metrics.attacked);
  yield percent(`${title}, safe and useful`, metrics.safeAndUseful);
}

function percent(name: string, { count, of, share, low, high }: Share): Figure {
  const interval = `${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)}`;
  return figure(name, 100 * share, `% (${count} of ${of}; ${interval})`);
}

/** Which tasks and pairs stand behind the figures. */
function tell(title: string, { tasks, pairs, outOfScope }: SuiteScore): void {
  const answered = (answer: string): string =>
    tasks
      .filter(({ answers }) => (answers as readonly string[]).includes(answer))
      .map(({ task }) => task.case_id)
      .join(' ');
  console.error(`${title}, denied: ${answered('denied') || 'none'}`);
  console.error(`${title}, approval: ${answered('approval') || 'none'}`);
  const attacked = pairs.filter((pair) => pair.attacked);
  const named = attacked.slice(0, 20).map(({ task, injection }) => `${task.case_id}+${injection.case_id}`);
  console.error(`${title}, attacked: ${attacked.length} ${named.join(' ')}`);
  for (const { case_id } of outOfScope)
    console.error(`${title}, out of scope with every task: ${case_id} (no call)`);
}
