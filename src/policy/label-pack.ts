import { isMap, type Node } from 'yaml';
import type { ToolPattern } from '../call/tool-pattern.ts';
import { parseFieldPattern, type FieldPattern } from './field-pattern.ts';
import { limits } from './limits.ts';
import { readTools, required } from './pack-fields.ts';
import type { ToolLabel } from './policy.ts';
import type { YamlSource } from './yaml-source.ts';

/** What a pack says of the outputs of some tools. */
export interface LabelRule {
  readonly tools: readonly ToolPattern[];
  readonly trust: 'trusted' | 'untrusted' | undefined;
  readonly sensitive: boolean;
  readonly format: ToolLabel['format'] | undefined;
  readonly fields: readonly {
    readonly path: FieldPattern;
    readonly trust: 'trusted' | 'untrusted' | undefined;
    readonly sensitive: boolean;
  }[];
}

const what = 'a label';

/** The `labels` of a pack. Refuses with POLICY_INVALID and the place. */
export function readLabels(yaml: YamlSource, node: Node | undefined): LabelRule[] {
  if (node === undefined) return [];
  return yaml.list(node, 'labels').map((label) => readLabel(yaml, label));
}

/** The `constants` of a pack: texts that it vouches for. */
export function readConstants(yaml: YamlSource, node: Node | undefined): string[] {
  if (node === undefined) return [];
  return yaml.list(node, 'constants').map((one) => yaml.string(one, 'a constant'));
}

function readLabel(yaml: YamlSource, node: Node): LabelRule {
  const fields = yaml.fields(node, what, ['tools', 'output', 'format', 'fields']);
  const tools = readTools(
    yaml,
    required(yaml, node, fields.get('tools'), what, 'tools: ["server/tool"]'),
    what,
  );
  const output = fields.get('output');
  const parts = fields.get('fields');
  if (output === undefined && parts === undefined) yaml.refuse(node, `${what} says output or fields`);
  return {
    tools,
    ...(output === undefined ? unsaid : readWords(yaml, output)),
    format: readFormat(yaml, fields.get('format')),
    fields: parts === undefined ? [] : readFields(yaml, parts),
  };
}

interface Said {
  readonly trust: 'trusted' | 'untrusted' | undefined;
  readonly sensitive: boolean;
}

const unsaid: Said = { trust: undefined, sensitive: false };

/** `trusted`, `untrusted`, `sensitive`, or a list of them. */
function readWords(yaml: YamlSource, node: Node): Said {
  const nodes = 'value' in node ? [node] : yaml.list(node, 'a label');
  const words = new Set(nodes.map((one) => yaml.string(one, 'a label')));
  for (const word of words)
    if (!['trusted', 'untrusted', 'sensitive'].includes(word))
      yaml.refuse(node, `unknown label ${JSON.stringify(word)}; write trusted, untrusted or sensitive`);
  if (words.has('trusted') && words.has('untrusted')) yaml.refuse(node, 'trusted and untrusted at once');
  const untrusted = words.has('untrusted') ? 'untrusted' : undefined;
  return { trust: words.has('trusted') ? 'trusted' : untrusted, sensitive: words.has('sensitive') };
}

function readFormat(yaml: YamlSource, node: Node | undefined): ToolLabel['format'] | undefined {
  if (node === undefined) return undefined;
  const format = yaml.string(node, 'format');
  if (format === 'json' || format === 'yaml' || format === 'text') return format;
  return yaml.refuse(node, `unknown format ${JSON.stringify(format)}; write json, yaml or text`);
}

function readFields(yaml: YamlSource, node: Node): LabelRule['fields'] {
  if (!isMap<Node, Node | null>(node)) return yaml.refuse(node, 'fields is a map of JSON pointers to labels');
  if (node.items.length > limits.fieldsPerRule) yaml.refuse(node, `more than ${limits.fieldsPerRule} fields`);
  return node.items.map(({ key, value }) => {
    const path = parseFieldPattern(yaml.string(key, 'a field'));
    if (path === undefined) return yaml.refuse(key, 'a field is a JSON pointer such as /messages/*/body');
    if (value === null) return yaml.refuse(key, 'a field needs a label');
    return { path, ...readWords(yaml, value) };
  });
}
