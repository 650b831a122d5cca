import { isMap, type Node } from 'yaml';
import { atPlace, compileCondition } from './condition.ts';
import { limits } from './limits.ts';
import { obligationTypes, type Obligation } from './obligation.ts';
import { readers } from './obligation-readers.ts';
import { didYouMean, nearest } from './nearest.ts';
import type { Demand } from './rule.ts';
import type { YamlSource } from './yaml-source.ts';

/**
 * The obligations of a rule. One that is not understood must never be taken for fulfilled, and a deny obliges nobody: both are
 * refused, with the place.
 */
export function readObligations(
  yaml: YamlSource,
  node: Node | undefined,
  rule: { readonly id: string; readonly effect: 'allow' | 'deny' },
): readonly Demand[] {
  const nodes = node === undefined ? [] : yaml.list(node, 'obligations');
  if (nodes.length === 0) return none;
  if (rule.effect === 'deny') yaml.refuse(node, `the rule ${rule.id} denies, which obliges nobody`);
  if (nodes.length > limits.obligationsPerRule)
    yaml.refuse(node, `more than ${limits.obligationsPerRule} obligations`);
  const demands = nodes.map((one, at) => {
    const earlier = nodes.slice(0, at).filter((other) => typeOf(other) === typeOf(one));
    return readObligation(yaml, one, rule.id, earlier.length);
  });
  refuseTwice(yaml, nodes, demands, rule.id);
  return Object.freeze(demands);
}

const none: readonly Demand[] = Object.freeze([]);

/** Several of these add up; of any other type one says all. */
const repeatable: ReadonlySet<Obligation['type']> = new Set([
  'approval',
  'rate',
  'budget',
  'redact',
  'notify',
]);

function refuseTwice(yaml: YamlSource, nodes: readonly Node[], demands: readonly Demand[], id: string): void {
  demands.forEach(({ type, isConditional }, index) => {
    const first = demands.findIndex((other) => other.type === type && !other.isConditional);
    if (first === index || isConditional || repeatable.has(type)) return;
    yaml.refuse(nodes[index], `the rule ${id} has two obligations of the type "${type}"; write one`);
  });
}

function typeOf(node: Node): unknown {
  return isMap(node) ? node.get('type') : undefined;
}

function readObligation(yaml: YamlSource, node: Node, id: string, ordinal: number): Demand {
  const type = typeOf(node);
  if (typeof type !== 'string') return yaml.refuse(node, 'an obligation is a map with a type, a string');
  const known = obligationTypes.find((one) => one === type);
  if (known !== undefined) {
    const demand = readers[known](yaml, node, id, ordinal);
    const when = isMap<Node, Node>(node) ? node.get('when', true) : undefined;
    return when === undefined ? demand : conditional(yaml, when, demand, id);
  }
  return yaml.refuse(
    node,
    `the rule ${id} has an obligation of the type ${JSON.stringify(type)}, and there are ${obligationTypes.join(', ')}${didYouMean(nearest(type, obligationTypes))}; take the rule out or make it a deny`,
  );
}

/** An obligation that holds where its condition does; where that fails, the rule does. */
function conditional(yaml: YamlSource, node: Node, demand: Demand, id: string): Demand {
  const source = yaml.string(node, 'when');
  const where = `in the rule ${id}, when it obliges to ${demand.type}`;
  const condition = atPlace(yaml, node, where, () => compileCondition(source));
  return {
    type: demand.type,
    isConditional: true,
    reads: new Set([...demand.reads, ...condition.reads]),
    of(bindings) {
      const answer = condition.ask(bindings);
      if (answer === 'match') return demand.of(bindings);
      return answer === 'no-match' ? 'none' : undefined;
    },
  };
}
