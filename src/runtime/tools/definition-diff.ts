import { fromUtf8 } from '../../call/sha256.ts';
import type { ToolChange } from '../../gate/tool-review/pinned.ts';
import { visible } from '../../gate/tool-review/visible.ts';
import { unifiedDiff } from '../hosts/unified-diff.ts';

/** One member of a definition that is not as it was. */
export interface FieldChange {
  /** `description`, `inputSchema`; empty for how the definition is written, where its members are equal. */
  readonly field: string;
  /** As `diff -u` prints it, without the lines that name files. Everything invisible in it is written out. */
  readonly diff: string;
}

/** Members in the order in which a person wants to read them; others follow by name. */
const order = [
  'name',
  'title',
  'description',
  'inputSchema',
  'outputSchema',
  'annotations',
  'icons',
  '_meta',
];

/** What changed of a tool, member by member; all of its members when it is new or gone. Undefined where its bytes are not known. */
export function fieldChanges({
  pinned,
  listed,
}: Pick<ToolChange, 'pinned' | 'listed'>): readonly FieldChange[] | undefined {
  const isUnknown = [pinned, listed].some((each) => each !== undefined && each.bytes === undefined);
  if (isUnknown) return undefined;
  const [before, after] = [textOf(pinned?.bytes), textOf(listed?.bytes)];
  const [old, current] = [membersOf(before), membersOf(after)];
  const changes = fieldsOf(old, current).flatMap((field) => {
    const diff = diffOf(old.get(field) ?? '', current.get(field) ?? '');
    return diff === '' ? [] : [{ field, diff }];
  });
  if (changes.length > 0 || before === after) return changes;
  return [{ field: '', diff: diffOf(brokenAtCommas(before), brokenAtCommas(after)) }];
}

function fieldsOf(...sides: readonly ReadonlyMap<string, string>[]): readonly string[] {
  const rank = (field: string): number => (order.includes(field) ? order.indexOf(field) : order.length);
  const all = new Set(sides.flatMap((side) => [...side.keys()]));
  return [...all].toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

/** Each member as text in lines. What is no object is one member without a name. */
function membersOf(text: string): ReadonlyMap<string, string> {
  if (text === '') return new Map();
  const parsed = parse(text);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    return new Map([['', visible(text)]]);
  return new Map(
    Object.entries(parsed).map(([field, value]) => [
      field,
      visible(typeof value === 'string' ? value : JSON.stringify(sorted(value), null, 2)),
    ]),
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The order of members means nothing: only what is said differently is shown. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, each]) => [key, sorted(each)]));
}

function diffOf(before: string, after: string): string {
  const [, , ...lines] = unifiedDiff(ended(before), ended(after), 'tool').split('\n');
  return lines.join('\n').trimEnd();
}

function ended(text: string): string {
  return text === '' ? '' : `${text}\n`;
}

function brokenAtCommas(text: string): string {
  return visible(text.replaceAll(',', ',\n'));
}

function textOf(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : (fromUtf8(bytes) ?? '');
}
