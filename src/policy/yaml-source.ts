import { isMap, isScalar, isSeq, LineCounter, Scalar, type Node, type YAMLMap } from 'yaml';
import { CountersignError } from '../errors.ts';
import type { PolicySource } from './policy.ts';
import { parseStrictYaml } from './strict-yaml.ts';

/** A place in a source, for those who read one without knowing YAML. */
export type YamlNode = Node;

/**
 * One YAML source, read strictly: one document, no duplicate keys, no anchors, aliases, tags or merge keys, and every
 * refusal with its `name:line:column`. The readers take nodes, not values, so that each knows where it stands.
 */
export class YamlSource {
  readonly root: Node | null;
  readonly #code: 'POLICY_INVALID' | 'CONFIG_INVALID';
  readonly #name: string;
  readonly #text: string;
  readonly #lines = new LineCounter();

  constructor({ name, text }: PolicySource, code: 'POLICY_INVALID' | 'CONFIG_INVALID' = 'POLICY_INVALID') {
    this.#code = code;
    this.#name = name;
    this.#text = text;
    this.root = parseStrictYaml(text, this.#lines, (offset, sentence) =>
      this.refuse(offset, sentence),
    ).contents;
  }

  /** Throws the source's code at a node, or at an offset of the text. */
  refuse(at: Node | number | null | undefined, sentence: string): never {
    const { line, col } = this.#lines.linePos(typeof at === 'number' ? at : (at?.range?.[0] ?? 0));
    const position = `${this.#name}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
    throw new CountersignError(this.#code, `${position}: ${sentence}.`);
  }

  /** The fields of a map, each of which must be one of `known`. */
  fields<Field extends string>(node: unknown, what: string, known: readonly Field[]): Map<Field, Node> {
    if (!isMap(node))
      return this.refuse(asNode(node), `${what} must be a map with the fields ${known.join(', ')}`);
    const fields = new Map<Field, Node>();
    for (const { key, value } of (node as YAMLMap<Node, Node | null>).items) {
      const name = isScalar(key) && typeof key.value === 'string' ? key.value : undefined;
      const field = known.find((one) => one === name);
      if (field === undefined) {
        this.refuse(
          key,
          `unknown field ${JSON.stringify(name ?? '?')} in ${what}; its fields are ${known.join(', ')}`,
        );
      }
      if (value === null) this.refuse(key, `${field} has no value`);
      fields.set(field, value);
    }
    return fields;
  }

  string(node: Node, what: string): string {
    if (isScalar(node) && typeof node.value === 'string') return node.value;
    return this.refuse(node, `${what} must be a string; put it into quotes`);
  }

  number(node: Node, what: string): number {
    if (isScalar(node) && typeof node.value === 'number') return node.value;
    return this.refuse(node, `${what} must be a number`);
  }

  list(node: Node, what: string): Node[] {
    if (isSeq(node)) return node.items as Node[];
    return this.refuse(node, `${what} must be a list`);
  }

  /** The offset in the text of the unit `within` of a string's value; the string's own start when escapes hide it. */
  offsetWithin(node: Node, within: number): number {
    const start = node.range?.[0] ?? 0;
    if (!isScalar(node) || typeof node.value !== 'string') return start;
    const quoted = node.type === Scalar.QUOTE_DOUBLE || node.type === Scalar.QUOTE_SINGLE;
    const verbatim = start + (quoted ? 1 : 0);
    if (this.#text.startsWith(node.value, verbatim)) return verbatim + within;
    return node.type === Scalar.BLOCK_LITERAL ? this.#offsetInBlock(start, node.value, within) : start;
  }

  /** In a literal block the value's lines are the text's, indented. */
  #offsetInBlock(start: number, value: string, within: number): number {
    const before = value.slice(0, within).split('\n');
    const wanted = value.split('\n')[before.length - 1] ?? '';
    let lineStart = this.#text.indexOf('\n', start) + 1;
    for (let line = 1; line < before.length && lineStart > 0; line++) {
      lineStart = this.#text.indexOf('\n', lineStart) + 1;
    }
    const column = this.#text.indexOf(wanted, lineStart);
    return lineStart === 0 || column === -1 ? start : column + (before.at(-1) ?? '').length;
  }
}

function asNode(value: unknown): Node | null {
  return isScalar(value) || isSeq(value) || isMap(value) ? value : null;
}
