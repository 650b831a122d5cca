import { isMap, type Node } from 'yaml';
import { required } from './pack-fields.ts';
import type { Obligation } from './policy.ts';
import type { YamlSource } from './yaml-source.ts';

/** That so many others have seen the ALLOW in the log before the call runs. */
export interface WitnessObligation extends Obligation {
  readonly type: 'witness';
  /** 1 to 8. */
  readonly count: number;
}

/** More than these nobody waits for within the seconds that a permit may be dispatched in. */
const maxWitnesses = 8;

/**
 * The obligations of a rule. One that is not understood must never be taken for fulfilled, and a deny obliges nobody: both are
 * refused, with the place.
 */
export function readObligations(
  yaml: YamlSource,
  node: Node | undefined,
  rule: { readonly id: string; readonly effect: 'allow' | 'deny' },
): readonly WitnessObligation[] {
  const nodes = node === undefined ? [] : yaml.list(node, 'obligations');
  const [first, second] = nodes.map((one) => readObligation(yaml, one, rule.id));
  if (first === undefined) return none;
  if (rule.effect === 'deny') yaml.refuse(node, `the rule ${rule.id} denies, which obliges nobody`);
  if (second !== undefined) {
    yaml.refuse(nodes[1], `the rule ${rule.id} has two obligations of the type "witness"; write the larger`);
  }
  return Object.freeze([first]);
}

const none: readonly WitnessObligation[] = Object.freeze([]);

function readObligation(yaml: YamlSource, node: Node, id: string): WitnessObligation {
  if (!isMap(node)) return yaml.refuse(node, 'an obligation is a map with a type, a string');
  const type = node.get('type');
  if (typeof type !== 'string') return yaml.refuse(node, 'an obligation is a map with a type, a string');
  if (type !== 'witness') {
    return yaml.refuse(
      node,
      `the rule ${id} has an obligation of the type ${JSON.stringify(type)}, and this version knows only "witness"; take the rule out or make it a deny`,
    );
  }
  const what = 'an obligation of the type "witness"';
  const fields = yaml.fields(node, what, ['type', 'count']);
  const countNode = required(yaml, node, fields.get('count'), what, 'count: 1');
  const count = yaml.number(countNode, 'count');
  if (!Number.isInteger(count) || count < 1 || count > maxWitnesses) {
    return yaml.refuse(countNode, `count must be a whole number from 1 to ${maxWitnesses}`);
  }
  return Object.freeze({ type, count });
}
