import type { Node } from 'yaml';
import { atPlace, compileCondition, type CompiledCondition } from './condition.ts';
import { readConstants, readLabels, type LabelRule } from './label-pack.ts';
import { limits } from './limits.ts';
import { didYouMean, nearest } from './nearest.ts';
import { readObligations } from './obligations.ts';
import { readPlaintext } from './plaintext-pack.ts';
import type { PlaintextRule } from './plaintext.ts';
import type { PolicySource } from './policy.ts';
import { required, readTools } from './pack-fields.ts';
import type { Rule } from './rule.ts';
import { YamlSource } from './yaml-source.ts';

export interface Pack {
  readonly name: string;
  readonly rules: readonly Rule[];
  readonly plaintext: readonly PlaintextRule[];
  readonly labels: readonly LabelRule[];
  readonly constants: readonly string[];
}

/** The fields of a rule as they stand in its source: for `check/`, which says where. Deciding needs none of it. */
export interface RuleText {
  readonly yaml: YamlSource;
  readonly node: Node;
  readonly fields: ReadonlyMap<string, Node>;
}

type SeeRule = (rule: Rule, text: RuleText) => void;

const packFields = ['version', 'name', 'mode', 'rules', 'plaintext', 'labels', 'constants'] as const;

const namePattern = /^[a-z0-9][a-z0-9._-]*$/;

/**
 * One source → its rules. `taken` holds the ids of the sources before it, each with the name of its source, and gets
 * those of this one. `see` is shown each rule beside its text. Throws POLICY_INVALID with `name:line:column`.
 */
export function readPack(source: PolicySource, taken: Map<string, string>, see?: SeeRule): Pack {
  const yaml = new YamlSource(source);
  const fields = yaml.fields(yaml.root, 'a policy', packFields);
  const version = required(yaml, yaml.root, fields.get('version'), 'a policy', 'version: 1');
  if ((version as { value?: unknown }).value !== 1) yaml.refuse(version, 'the version must be 1, a number');
  const name = nameIn(
    yaml,
    required(yaml, yaml.root, fields.get('name'), 'a policy', 'name: my-policy'),
    'name',
  );
  const rules = yaml.list(required(yaml, yaml.root, fields.get('rules'), 'a policy', 'rules: […]'), 'rules');
  const shadow = readMode(yaml, fields.get('mode')) === 'shadow';
  return {
    name,
    rules: rules.map((node) => new RuleReader(yaml, source.name, shadow, taken, see).read(node)),
    plaintext: readPlaintext(yaml, fields.get('plaintext')),
    labels: readLabels(yaml, fields.get('labels')),
    constants: readConstants(yaml, fields.get('constants')),
  };
}

function readMode(yaml: YamlSource, node: Node | undefined): 'enforce' | 'shadow' {
  if (node === undefined) return 'enforce';
  const mode = yaml.string(node, 'mode');
  if (mode === 'enforce' || mode === 'shadow') return mode;
  return yaml.refuse(node, `unknown mode ${JSON.stringify(mode)}; write enforce or shadow`);
}

function nameIn(yaml: YamlSource, node: Node, what: string): string {
  const name = yaml.string(node, what);
  if (namePattern.test(name) && name.length <= limits.nameLength) return name;
  return yaml.refuse(
    node,
    `the ${what} must be at most ${limits.nameLength} small letters, digits, dots, dashes and underscores`,
  );
}

const noControls: readonly string[] = Object.freeze([]);
const noRoots: ReadonlySet<string> = new Set();

const ruleFields = [
  ...(['id', 'effect', 'tools', 'when', 'reason'] as const),
  ...(['obligations', 'controls', 'shadow'] as const),
];

class RuleReader {
  readonly #yaml: YamlSource;
  readonly #source: string;
  readonly #shadow: boolean;
  readonly #taken: Map<string, string>;
  readonly #see: SeeRule | undefined;

  constructor(
    yaml: YamlSource,
    source: string,
    shadow: boolean,
    taken: Map<string, string>,
    see: SeeRule | undefined,
  ) {
    this.#yaml = yaml;
    this.#source = source;
    this.#shadow = shadow;
    this.#taken = taken;
    this.#see = see;
  }

  read(node: Node): Rule {
    const fields = this.#yaml.fields(node, 'a rule', ruleFields);
    const id = this.#id(required(this.#yaml, node, fields.get('id'), 'a rule', 'id: its-name'));
    const what = `the rule ${id}`;
    const effect = this.#effect(
      required(this.#yaml, node, fields.get('effect'), what, 'effect: allow or deny'),
    );
    const tools = readTools(
      this.#yaml,
      required(this.#yaml, node, fields.get('tools'), what, 'tools: ["server/tool"]'),
      what,
    );
    const condition = this.#condition(fields.get('when'), id);
    const obligations = readObligations(this.#yaml, fields.get('obligations'), { id, effect });
    const reason = this.#reason(fields.get('reason'));
    const controls = this.#controls(fields.get('controls'));
    const shadow = this.#isShadow(fields.get('shadow'));
    const reads = new Set([condition, ...obligations].flatMap((each) => [...each.reads]));
    const ask = condition.ask;
    const rule: Rule = { id, effect, tools, reason, obligations, controls, shadow, reads, ask };
    this.#see?.(rule, { yaml: this.#yaml, node, fields });
    return rule;
  }

  #id(node: Node): string {
    const id = nameIn(this.#yaml, node, 'id');
    const other = this.#taken.get(id);
    if (other !== undefined) {
      this.#yaml.refuse(node, `the rule id ${id} is already taken in ${other}; give each rule its own`);
    }
    this.#taken.set(id, this.#source);
    return id;
  }

  #effect(node: Node): 'allow' | 'deny' {
    const effect = this.#yaml.string(node, 'effect');
    if (effect === 'allow' || effect === 'deny') return effect;
    return this.#yaml.refuse(
      node,
      `unknown effect ${JSON.stringify(effect)}${didYouMean(nearest(effect, ['allow', 'deny']))}; write allow or deny`,
    );
  }

  /** A rule without `when` matches by its tools alone. */
  #condition(node: Node | undefined, id: string): Pick<CompiledCondition, 'reads' | 'ask'> {
    if (node === undefined) return { reads: noRoots, ask: () => 'match' };
    const source = this.#yaml.string(node, 'when');
    const { reads, ask } = atPlace(this.#yaml, node, `in the rule ${id}`, () => compileCondition(source));
    return { reads, ask };
  }

  #isShadow(node: Node | undefined): boolean {
    const value: unknown = node === undefined ? false : (node as { value?: unknown }).value;
    if (typeof value === 'boolean') return this.#shadow || value;
    return this.#yaml.refuse(node, 'shadow is true or false');
  }

  #reason(node: Node | undefined): string | undefined {
    if (node === undefined) return undefined;
    const reason = this.#yaml.string(node, 'reason').trim();
    if (reason !== '' && reason.length <= limits.reasonLength && !/\p{Cc}/u.test(reason)) return reason;
    return this.#yaml.refuse(node, `a reason is one line of at most ${limits.reasonLength} characters`);
  }

  #controls(node: Node | undefined): readonly string[] {
    if (node === undefined) return noControls;
    const nodes = this.#yaml.list(node, 'controls');
    if (nodes.length > limits.controlsPerRule)
      this.#yaml.refuse(node, `more than ${limits.controlsPerRule} controls`);
    const controls = nodes.map((one) => {
      const control = this.#yaml.string(one, 'a control');
      if (/^[\w.:() -]{1,128}$/.test(control)) return control;
      return this.#yaml.refuse(one, 'a control is a catalogue and a number, as in NIST-800-53r5:AC-3');
    });
    return Object.freeze(controls);
  }
}
