import { isMap, isScalar, isSeq, LineCounter, type Node, type YAMLMap } from 'yaml';
import { CountersignError } from '../errors.ts';
import { didYouMean, nearest } from './nearest.ts';
import { offsetWithin } from './offset-within.ts';
import type { PolicySource } from './policy.ts';
import { parseStrictYaml } from './strict-yaml.ts';

/** A place in a source, for those who read one without knowing YAML. */
export type YamlNode = Node;

/** A place in a source; lines and columns count from 1, columns in UTF-16 units. */
export interface Place {
  readonly name: string;
  readonly line: number;
  readonly column: number;
}

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
    const { name, line, column } = this.placeOf(at);
    throw new CountersignError(this.#code, `${name}:${line}:${column}: ${sentence}.`);
  }

  /** Where a node starts, or an offset of the text lies. */
  placeOf(at: Node | number | null | undefined): Place {
    const { line, col } = this.#lines.linePos(typeof at === 'number' ? at : (at?.range?.[0] ?? 0));
    return { name: this.#name, line: Math.max(line, 1), column: Math.max(col, 1) };
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
          `unknown field ${JSON.stringify(name ?? '?')} in ${what}${didYouMean(nearest(name ?? '', known))}; its fields are ${known.join(', ')}`,
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
    return offsetWithin(this.#text, start, { value: node.value, type: node.type }, within) ?? start;
  }
}

function asNode(value: unknown): Node | null {
  return isScalar(value) || isSeq(value) || isMap(value) ? value : null;
}
