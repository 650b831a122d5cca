import type { z } from 'zod';
import { isMap, isScalar, LineCounter, visit, type Document, type Node } from 'yaml';
import { CountersignError } from '../../errors.ts';
import { parseStrictYaml } from '../../policy/strict-yaml.ts';
import { configSchema, type Config } from './schema.ts';

/** One configuration file. */
export interface ConfigSource {
  /** For messages: the file's path. */
  readonly name: string;
  readonly text: string;
  /** Where `${env:NAME}` is looked up. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Reads a configuration strictly: one YAML document without anchors and tags, every field known. Each refusal is
 * CONFIG_INVALID with `name:line:column: field: what is wrong`; several are told at once, a line each.
 */
export function readConfig(source: ConfigSource): Config {
  return readWith(configSchema, source);
}

/** The same of some sections alone: what the others say is not looked at, nor what they want of the environment. */
export function readSections<T>(schema: z.ZodType<T>, sections: readonly string[], source: ConfigSource): T {
  return readWith(schema, source, (document) => {
    if (isMap(document.contents))
      document.contents.items = document.contents.items.filter(
        ({ key }) => isScalar(key) && sections.includes(String(key.value)),
      );
    else document.contents = document.createNode({});
  });
}

function readWith<T>(schema: z.ZodType<T>, source: ConfigSource, narrow?: (document: Document) => void): T {
  const lines = new LineCounter();
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${source.name}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
  };
  const document = parseStrictYaml(source.text, lines, (offset, sentence) => {
    throw refused([`${at(offset)}: ${sentence}`]);
  });
  narrow?.(document);
  substitute(document, source, at);
  const result = schema.safeParse(document.toJS({ maxAliasCount: 0 }));
  if (result.success) return result.data;
  throw refused(
    result.error.issues.map(({ path, message, ...issue }) => {
      const keys = 'keys' in issue ? (issue.keys as readonly string[]) : [];
      const where = at(offsetOf(document, [...path, ...keys.slice(0, 1)]));
      const field = path.length === 0 ? '' : `${path.map(String).join('.')}: `;
      const what =
        keys.length > 0 ? `unknown field ${keys.map((key) => JSON.stringify(key)).join(', ')}` : message;
      return `${where}: ${field}${what}`;
    }),
  );
}

const reference = /\$\{([^}]*)\}/g;

/** Puts the environment's values where `${env:NAME}` stands in a value. One that is not set is refused, never empty. */
function substitute(document: Document, { env }: ConfigSource, at: (offset: number) => string): void {
  visit(document.contents, {
    Scalar(key, node) {
      if (key === 'key' || typeof node.value !== 'string') return;
      node.value = node.value.replaceAll(reference, (whole, inner: string) => {
        const [, name] = /^env:([A-Za-z_][A-Za-z0-9_]*)$/.exec(inner) ?? [];
        const where = at(node.range?.[0] ?? 0);
        if (name === undefined) throw refused([`${where}: ${whole} is no reference; write \${env:NAME}`]);
        const value = env[name];
        if (value === undefined) throw refused([`${where}: the environment has no ${name}`]);
        return value;
      });
    },
  });
}

/** Where a path of the document stands; of one that is missing, where it would have to be. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true) as Node | undefined;
    if (node?.range) return keyOffset(document, path.slice(0, length)) ?? node.range[0];
  }
  return 0;
}

/** The key rather than the value: that is what a person looks for. */
function keyOffset(document: Document, path: readonly PropertyKey[]): number | undefined {
  const holder = document.getIn(path.slice(0, -1), true) as
    | { items?: readonly { key?: unknown }[] }
    | undefined;
  const pair = holder?.items?.find(({ key }) => isScalar(key) && key.value === path.at(-1));
  return isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
}

function refused(lines: readonly string[]): CountersignError {
  return new CountersignError('CONFIG_INVALID', lines.map((line) => `${line}.`).join('\n'));
}
