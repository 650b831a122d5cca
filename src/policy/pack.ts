import type { Node } from 'yaml';
import { compileProgram } from './cel/program.ts';
import { lintCondition } from './cel/lint.ts';
import { ConditionError, parseCondition } from './cel/syntax.ts';
import { limits } from './limits.ts';
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
}

const namePattern = /^[a-z0-9][a-z0-9._-]*$/;

/**
 * One source → its rules. `taken` holds the ids of the sources before it, each with the name of its source, and gets
 * those of this one. Throws POLICY_INVALID with `name:line:column`.
 */
export function readPack(source: PolicySource, taken: Map<string, string>): Pack {
  const yaml = new YamlSource(source);
  const fields = yaml.fields(yaml.root, 'a policy', ['version', 'name', 'rules', 'plaintext']);
  const version = required(yaml, yaml.root, fields.get('version'), 'a policy', 'version: 1');
  if ((version as { value?: unknown }).value !== 1) yaml.refuse(version, 'the version must be 1, a number');
  const name = nameIn(
    yaml,
    required(yaml, yaml.root, fields.get('name'), 'a policy', 'name: my-policy'),
    'name',
  );
  const rules = yaml.list(required(yaml, yaml.root, fields.get('rules'), 'a policy', 'rules: […]'), 'rules');
  return {
    name,
    rules: rules.map((node) => new RuleReader(yaml, source.name, taken).read(node)),
    plaintext: readPlaintext(yaml, fields.get('plaintext')),
  };
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

const ruleFields = ['id', 'effect', 'tools', 'when', 'reason', 'obligations', 'controls'] as const;

class RuleReader {
  readonly #yaml: YamlSource;
  readonly #source: string;
  readonly #taken: Map<string, string>;

  constructor(yaml: YamlSource, source: string, taken: Map<string, string>) {
    this.#yaml = yaml;
    this.#source = source;
    this.#taken = taken;
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
    return { id, effect, tools, reason, obligations, controls, ...condition };
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
    return this.#yaml.refuse(node, `unknown effect ${JSON.stringify(effect)}; write allow or deny`);
  }

  /** A rule without `when` matches by its tools alone. Only a boolean answers; anything else is an error. */
  #condition(node: Node | undefined, id: string): Pick<Rule, 'reads' | 'readsNow' | 'ask'> {
    if (node === undefined) return { reads: noRoots, readsNow: false, ask: () => 'match' };
    const source = this.#yaml.string(node, 'when');
    try {
      const syntax = parseCondition(source);
      const read = lintCondition(syntax);
      const run = compileProgram(syntax.expr);
      return {
        reads: read,
        readsNow: read.has('now'),
        ask(bindings) {
          const value = run(bindings);
          if (value === true) return 'match';
          return value === false ? 'no-match' : 'error';
        },
      };
    } catch (thrown) {
      const offset = thrown instanceof ConditionError ? thrown.offset : 0;
      const sentence = thrown instanceof ConditionError ? thrown.message : 'the condition cannot be compiled';
      return this.#yaml.refuse(this.#yaml.offsetWithin(node, offset), `in the rule ${id}, ${sentence}`);
    }
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
