import type { Node } from 'yaml';
import { isMap } from 'yaml';
import { compilePattern } from './cel/program.ts';
import { compileValue, type CompiledValue } from './condition.ts';
import type { Obligation, Per } from './obligation.ts';
import { parseFieldPattern } from './field-pattern.ts';
import { durationIn, required, wholeNumberIn } from './pack-fields.ts';
import type { Demand } from './rule.ts';
import type { YamlSource } from './yaml-source.ts';

/** `ordinal`: which of its type it is in its rule. */
type Reader = (yaml: YamlSource, node: Node, rule: string, ordinal: number) => Demand;

/** One reader an obligation's type. Each refuses with the place. */
export const readers: Readonly<Record<Obligation['type'], Reader>> = {
  binding(yaml, node, rule) {
    const what = 'an obligation of the type "binding"';
    const fields = yaml.fields(node, what, ['type', 'when', 'human', 'agent', 'acr', 'amr', 'maxAge']);
    if (countOf(fields) < 2)
      yaml.refuse(node, `${what} says what must hold: human, agent, acr, amr or maxAge`);
    return fixed({
      type: 'binding',
      rule,
      ...optional(fields, 'human', (one) => choiceIn(yaml, one, 'human', bindings)),
      ...optional(fields, 'agent', (one) => choiceIn(yaml, one, 'agent', bindings)),
      ...optional(fields, 'acr', (one) => namesIn(yaml, one, 'acr')),
      ...optional(fields, 'amr', (one) => namesIn(yaml, one, 'amr')),
      ...optional(fields, 'maxAge', (one) =>
        durationIn(yaml, one, 'maxAge', { least: 1_000, most: days(30) }),
      ),
    });
  },
  transform(yaml, node, rule) {
    const what = 'an obligation of the type "transform"';
    const fields = yaml.fields(node, what, ['type', 'when', 'set']);
    const set = required(yaml, node, fields.get('set'), what, 'set: { /limit: "100.0" }');
    const values = pairsIn(yaml, set);
    if (values.length === 0) yaml.refuse(set, 'set is empty');
    return {
      type: 'transform',
      reads: union(values.map(([, value]) => value.reads)),
      of(bindings) {
        const given = values.map(([pointer, value]) => [pointer, value.json(bindings)] as const);
        if (given.some(([, value]) => value === undefined)) return undefined;
        return { type: 'transform', rule, set: Object.fromEntries(given as [string, string][]) };
      },
    };
  },
  confirm(yaml, node, rule) {
    yaml.fields(node, 'an obligation of the type "confirm"', ['type', 'when']);
    return fixed({ type: 'confirm', rule });
  },
  approval(yaml, node, rule) {
    const what = 'an obligation of the type "approval"';
    const fields = yaml.fields(node, what, ['type', 'when', 'from', 'count', 'within', 'by']);
    const fromNode = required(yaml, node, fields.get('from'), what, 'from: role:NAME or operator');
    const from = namesIn(yaml, fromNode, 'from');
    for (const one of from) {
      if (one !== 'operator' && !/^(?:role|group|subject):[^\p{Cc}]{1,256}$/u.test(one))
        yaml.refuse(fromNode, 'from is operator, role:NAME, group:NAME or subject:NAME');
    }
    const count = fields.has('count') ? wholeNumberIn(yaml, fields.get('count'), 'count', 1, 8) : 1;
    const by = fields.has('by') ? choiceIn(yaml, fields.get('by'), 'by', ['any', 'passkey']) : 'any';
    if (from.includes('operator') && (from.length > 1 || count > 1 || by === 'passkey'))
      yaml.refuse(fromNode, 'operator stands alone: whoever runs commands here is no role and no quorum');
    const within = fields.has('within')
      ? durationIn(yaml, fields.get('within'), 'within', { least: 10_000, most: days(7) })
      : 15 * 60_000;
    return fixed({ type: 'approval', rule, from, count, within, by });
  },
  rate(yaml, node, rule, ordinal) {
    const what = 'an obligation of the type "rate"';
    const fields = yaml.fields(node, what, ['type', 'when', 'limit', 'window', 'per']);
    const limitNode = required(yaml, node, fields.get('limit'), what, 'limit: 10');
    return fixed({
      type: 'rate',
      rule,
      ordinal,
      limit: wholeNumberIn(yaml, limitNode, 'limit', 1, 1_000_000),
      ...windowIn(yaml, node, what, fields),
    });
  },
  budget(yaml, node, rule, ordinal) {
    const what = 'an obligation of the type "budget"';
    const fields = yaml.fields(node, what, ['type', 'when', 'limit', 'window', 'per', 'amount']);
    const limitNode = required(yaml, node, fields.get('limit'), what, 'limit: 1000');
    const limit = yaml.number(limitNode, 'limit');
    if (!(limit > 0 && limit <= Number.MAX_SAFE_INTEGER)) yaml.refuse(limitNode, 'limit must be above 0');
    const amountNode = required(yaml, node, fields.get('amount'), what, 'amount: args.amount');
    const amount = compileValue(yaml, amountNode, 'amount');
    const terms = { limit, ...windowIn(yaml, node, what, fields) };
    return {
      type: 'budget',
      reads: amount.reads,
      of(bindings) {
        const value = amount.json(bindings);
        // A negative amount would make room for others.
        if (typeof value !== 'number' || !(value >= 0)) return undefined;
        return { type: 'budget', rule, ordinal, ...terms, amount: value };
      },
    };
  },
  witness(yaml, node, rule) {
    const what = 'an obligation of the type "witness"';
    const fields = yaml.fields(node, what, ['type', 'when', 'count']);
    const countNode = required(yaml, node, fields.get('count'), what, 'count: 1');
    return fixed({ type: 'witness', rule, count: wholeNumberIn(yaml, countNode, 'count', 1, maxWitnesses) });
  },
  limit(yaml, node, rule) {
    const what = 'an obligation of the type "limit"';
    const fields = yaml.fields(node, what, ['type', 'when', 'time', 'bytes']);
    if (countOf(fields) < 2) yaml.refuse(node, `${what} says time or bytes`);
    return fixed({
      type: 'limit',
      rule,
      ...optional(fields, 'time', (one) => durationIn(yaml, one, 'time', { least: 1_000, most: days(1) })),
      ...optional(fields, 'bytes', (one) => wholeNumberIn(yaml, one, 'bytes', 1, 1 << 30)),
    });
  },
  redact(yaml, node, rule) {
    const what = 'an obligation of the type "redact"';
    const fields = yaml.fields(node, what, ['type', 'when', 'of', 'fields', 'match', 'with']);
    const of = choiceIn(yaml, required(yaml, node, fields.get('of'), what, 'of: result or arguments'), 'of', [
      'arguments',
      'result',
    ] as const);
    const patterns = fields.has('fields') ? fieldPatternsIn(yaml, fields.get('fields') as Node) : [];
    if (patterns.length === 0 && !fields.has('match')) yaml.refuse(node, `${what} says fields or match`);
    return fixed({
      type: 'redact',
      rule,
      of,
      fields: patterns,
      ...optional(fields, 'match', (one) => regexIn(yaml, one)),
      with: fields.has('with') ? yaml.string(fields.get('with') as Node, 'with') : '[redacted]',
    });
  },
  notify(yaml, node, rule) {
    const what = 'an obligation of the type "notify"';
    const fields = yaml.fields(node, what, ['type', 'when', 'to']);
    const toNode = required(yaml, node, fields.get('to'), what, 'to: NAME');
    const to = yaml.string(toNode, 'to');
    if (!/^[a-z0-9][a-z0-9._-]{0,63}$/.test(to))
      yaml.refuse(toNode, 'to is a name of the configuration: small letters, digits, dots, dashes');
    return fixed({ type: 'notify', rule, to });
  },
};

/** More than these nobody waits for within the seconds that a permit may be dispatched in. */
const maxWitnesses = 8;

const bindings = ['dpop', 'mtls', 'bound'] as const;
const pers: readonly Per[] = ['agent', 'human', 'tool', 'tenant'];
const nothingRead: ReadonlySet<string> = new Set();

/** What is the same for every call. */
function fixed(obligation: Obligation): Demand {
  const frozen = Object.freeze(obligation);
  return { type: frozen.type, reads: nothingRead, of: () => frozen };
}

/** How many fields say what is demanded: `when` says when. */
function countOf(fields: ReadonlyMap<string, Node>): number {
  return fields.size - (fields.has('when') ? 1 : 0);
}

function optional<Name extends string, T>(
  fields: ReadonlyMap<string, Node>,
  name: Name,
  read: (node: Node) => T,
): { readonly [K in Name]?: T } {
  const node = fields.get(name);
  return (node === undefined ? {} : { [name]: read(node) }) as { readonly [K in Name]?: T };
}

function windowIn(
  yaml: YamlSource,
  node: Node,
  what: string,
  fields: ReadonlyMap<string, Node>,
): { readonly window: number; readonly per: readonly Per[] } {
  const windowNode = required(yaml, node, fields.get('window'), what, 'window: 1h');
  const perNode = required(yaml, node, fields.get('per'), what, 'per: [agent, human]');
  const per = yaml.list(perNode, 'per').map((one) => choiceIn(yaml, one, 'per', pers));
  if (per.length === 0) yaml.refuse(perNode, `per names one or more of ${pers.join(', ')}`);
  return {
    window: durationIn(yaml, windowNode, 'window', { least: 1_000, most: days(31) }),
    per: pers.filter((one) => per.includes(one)),
  };
}

function choiceIn<T extends string>(
  yaml: YamlSource,
  node: Node | undefined,
  what: string,
  choices: readonly T[],
): T {
  const text = node === undefined ? '' : yaml.string(node, what);
  return choices.find((one) => one === text) ?? yaml.refuse(node, `${what} is ${choices.join(', ')}`);
}

/** One string or a list of them. */
function namesIn(yaml: YamlSource, node: Node, what: string): readonly string[] {
  const names = isScalarNode(node)
    ? [yaml.string(node, what)]
    : yaml.list(node, what).map((one) => yaml.string(one, what));
  if (names.length === 0 || names.length > 32) yaml.refuse(node, `${what} has one to 32 names`);
  return names;
}

function isScalarNode(node: Node): boolean {
  return 'value' in node;
}

function fieldPatternsIn(yaml: YamlSource, node: Node): readonly string[] {
  return yaml.list(node, 'fields').map((one) => {
    const text = yaml.string(one, 'a field');
    if (parseFieldPattern(text) === undefined || text === '')
      yaml.refuse(one, 'a field is a JSON pointer such as /items/*/name');
    return text;
  });
}

function regexIn(yaml: YamlSource, node: Node): string {
  const text = yaml.string(node, 'match');
  try {
    compilePattern(text);
  } catch {
    yaml.refuse(node, 'this is not an RE2 pattern');
  }
  return text;
}

/** Pointers of whole arguments or parts of them, and what each is set to. */
function pairsIn(yaml: YamlSource, set: Node): (readonly [string, CompiledValue])[] {
  if (!isMap<Node, Node | null>(set))
    return yaml.refuse(set, 'set is a map of JSON pointers to CEL expressions');
  return set.items.map(({ key, value }) => {
    const pointer = yaml.string(key, 'a pointer');
    const path = parseFieldPattern(pointer);
    if (path === undefined || path.length === 0 || path.includes('*'))
      return yaml.refuse(key, 'an argument is a JSON pointer such as /limit');
    if (value === null) return yaml.refuse(key, `${pointer} has no value`);
    return [pointer, compileValue(yaml, value, pointer)];
  });
}

function union(sets: readonly ReadonlySet<string>[]): ReadonlySet<string> {
  return new Set(sets.flatMap((one) => [...one]));
}

function days(count: number): number {
  return count * 86_400_000;
}
