import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { compilePolicy } from '../src/policy/compile.ts';
import { figure, quantile, type Figure } from './figure.ts';
import { cedar, engineOf, native, ours, packsOf } from './policy-engines.ts';
import { mixed, rulesOf, server, timed, type Engine, type Question, type Spread } from './policy-question.ts';

/**
 * One decision, by rules from one to ten thousand: this policy, a native function with the same conditions, and Cedar, on the same
 * questions and in turns, so that each meets the same machine. They must agree before they are timed.
 */
const sizes = [1, 10, 100, 1_000, 10_000];
const rounds = 41;
/** A round lasts about so long for each engine, or one decision if that takes longer. */
const roundMs = 3;
const warmUpMs = 150;
/** What the runtime compiles late, it has compiled by then: else the first figures would be of another program. */
const firstWarmUpMs = 2_000;

export async function* bench(): AsyncGenerator<Figure> {
  yield* memory();
  repeat(asking(ours(rulesOf(10, 'one')), [...timed, ...mixed()]), firstWarmUpMs);
  for (const spread of ['own', 'one'] as const) {
    for (const size of sizes) yield* against(size, spread);
  }
  yield* byOtherRules();
  yield* strangers();
}

/** What one policy of ten thousand rules keeps in memory, its sources not counted. */
function* memory(): Generator<Figure> {
  const packs = packsOf(rulesOf(10_000, 'own'));
  // Everything that is loaded or compiled once is there after this.
  compilePolicy(packsOf(rulesOf(1_000, 'own')));
  const before = heapInUse();
  const policy = compilePolicy(packs);
  const bytes = heapInUse() - before;
  yield figure('policy: 10,000 rules compiled, memory', bytes / 1_048_576, 'MiB');
  yield figure('policy: 10,000 rules compiled, memory a rule', bytes / 10_000, 'bytes');
  assertAgreement([engineOf(policy), native(rulesOf(10_000, 'own'))]);
}

function heapInUse(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  return process.memoryUsage().heapUsed;
}

function* against(size: number, spread: Spread): Generator<Figure> {
  const rules = rulesOf(size, spread);
  const [ourMs, policy] = measured(() => ours(rules));
  const [cedarMs, theirs] = measured(() => cedar(rules));
  const engines = [policy, theirs, native(rules)];
  assertAgreement(engines);
  const [our = NaN, cedars = NaN, natives = NaN] = inTurns(engines.map((engine) => asking(engine, timed)));
  const count = size === 1 ? '1 rule' : `${size.toLocaleString('en-US')} rules`;
  const title = `policy: ${count}, ${spread === 'own' ? 'each its own tool' : 'one tool'}`;
  yield figure(`${title}, p50, against Cedar`, our, 'µs', cedars);
  yield figure(`${title}, p50, against a native function`, our, 'µs', natives);
  if (size < 1_000 || spread === 'one') return;
  yield figure(
    `${title}, compiling a rule, against Cedar`,
    (1_000 * ourMs) / size,
    'µs',
    (1_000 * cedarMs) / size,
  );
}

/** What rules on other tools cost a call. */
function* byOtherRules(): Generator<Figure> {
  const works = [10, 1_000, 10_000].map((size) => asking(ours(rulesOf(size, 'own')), timed));
  const [ten = NaN, thousand = NaN, tenThousand = NaN] = inTurns(works);
  yield figure('policy: 1,000 rules, each its own tool, p50, against 10', thousand, 'µs', ten);
  yield figure('policy: 10,000 rules, each its own tool, p50, against 10', tenThousand, 'µs', ten);
}

/** A caller chooses what tool it names: one never named before is held against patterns, of its server and of all servers. */
function* strangers(): Generator<Figure> {
  for (const [whose, patternOf] of patterns) {
    const rules = Array.from(
      { length: 1_000 },
      (_, i) => `  - { id: rule-${i}, effect: allow, tools: ['${patternOf(i)}'] }`,
    );
    const text = `version: 1\nname: a\nrules:\n${rules.join('\n')}\n`;
    const engine = engineOf(compilePolicy([{ name: 'patterns.yaml', text }]));
    const question = { tool: 'unknown', zone: '', value: 0, roles: [] };
    const unseen = Array.from({ length: 20_000 }, (_, i) => ({ ...question, tool: `unknown_${i}` }));
    const [seen = NaN, first = NaN] = inTurns([asking(engine, [question]), asking(engine, unseen)]);
    const title = `policy: 1,000 patterns of ${whose}, a tool not named lately, p50, against one that was`;
    yield figure(title, first, 'µs', seen);
  }
}

const patterns: readonly (readonly [whose: string, (i: number) => string])[] = [
  ['other servers', (i) => `plant_${i}/read_*`],
  ['its server', (i) => `${server}/read_${i}_*`],
  ['any server', (i) => `*/read_${i}_*`],
];

function measured<T>(work: () => T): [milliseconds: number, result: T] {
  const began = performance.now();
  const result = work();
  return [performance.now() - began, result];
}

function assertAgreement(engines: readonly Engine[]): void {
  for (const question of [...mixed(), ...timed]) {
    const answers = engines.map((engine) => `${engine.name}: ${engine.prepare(question)()}`);
    if (new Set(answers.map((answer) => answer.split(': ')[1])).size === 1) continue;
    throw new Error(`They disagree on ${JSON.stringify(question)}: ${answers.join(', ')}.`);
  }
}

/** Asks one question after the other, round and round. */
function asking(engine: Engine, questions: readonly Question[]): () => unknown {
  const prepared = questions.map((question) => engine.prepare(question));
  let next = 0;
  return () => prepared[(next = (next + 1) % prepared.length)]?.();
}

/** Microseconds of each work, the median over rounds in which they take turns. */
function inTurns(works: readonly (() => unknown)[]): number[] {
  const repeats = works.map((work) => {
    const rate = repeat(work, warmUpMs);
    return Math.max(1, Math.round(rate * roundMs));
  });
  const times = works.map((): number[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [which, work] of works.entries()) {
      const count = repeats[which] ?? 1;
      const [milliseconds] = measured(() => {
        for (let i = 0; i < count; i += 1) work();
      });
      times[which]?.push((1_000 * milliseconds) / count);
    }
  }
  return times.map((each) => quantile(each, 0.5));
}

/** How often a work is done in a millisecond, once it is warm. */
function repeat(work: () => unknown, milliseconds: number): number {
  const began = performance.now();
  let done = 0;
  while (performance.now() - began < milliseconds) {
    work();
    done += 1;
  }
  return done / (performance.now() - began);
}
