import { celDouble, celString, fieldOf, oneOf, quotedPattern } from './cel-text.ts';
import { looksSensitive, mayBeWritten } from './sensitive.ts';
import { remembered, type TextProfile } from './text-profile.ts';
import type { ListProfile, MapProfile, NumberProfile, ValueProfile } from './value-profile.ts';

export interface Tightness {
  /** Every value that was seen, where they may be written out, rather than what they have in common. */
  readonly exact: boolean;
  /** From how many calls on something is taken for a habit. */
  readonly least: number;
}

/** What was made of the values at one place, for whoever reviews it. */
export interface Described {
  readonly when: string;
  readonly notes: readonly string[];
}

/** Different values that are written out one by one rather than by what they have in common. */
const fewValues = 4;

/** A condition on `ref` that every value seen meets. An error for none: each kind is asked first. */
export function valueCondition(profile: ValueProfile, ref: string, tight: Tightness, depth = 0): Described {
  const { nulls, booleans, numbers, texts, lists, maps } = profile;
  const ways: Described[] = [
    ...(nulls > 0 ? [{ when: `${ref} == null`, notes: ['null'] }] : []),
    ...(booleans.size > 0 ? [booleanCondition(booleans, ref)] : []),
    ...(numbers.count > 0 ? [numberCondition(numbers, ref, tight)] : []),
    ...(texts.count > 0 ? [textCondition(texts, ref, tight)] : []),
    ...(lists === undefined ? [] : [listCondition(lists, ref, tight, depth)]),
    ...(maps === undefined ? [] : [mapCondition(maps, ref, tight, depth)]),
  ];
  const [only, second] = ways;
  if (only !== undefined && second === undefined) return only;
  if (only === undefined) return { when: 'false', notes: ['nothing was seen'] };
  return {
    when: `(${ways.map(({ when }) => `(${when})`).join(' || ')})`,
    notes: ways.flatMap(({ notes }) => notes),
  };
}

function booleanCondition(seen: ReadonlySet<boolean>, ref: string): Described {
  const [only, second] = seen;
  if (second !== undefined) return { when: `type(${ref}) == bool`, notes: ['true and false'] };
  return { when: `${ref} == ${only}`, notes: [`always ${only}`] };
}

/** Integers of ten digits and more number somebody or something. */
const longNumber = 1e9;

function numberCondition(
  { count, least, most, values }: NumberProfile,
  ref: string,
  tight: Tightness,
): Described {
  const isNumber = `type(${ref}) == double`;
  if (Math.max(Math.abs(least), Math.abs(most)) >= longNumber)
    return { when: isNumber, notes: ['any number: those seen look like ids'] };
  if (values !== undefined && isFew(values.size, count, tight)) {
    const literals = [...values].sort((one, other) => one - other).map(celDouble);
    return { when: oneOf(ref, literals), notes: [counted(values.size, 'number')] };
  }
  return {
    when: `${isNumber} && ${ref} >= ${celDouble(least)} && ${ref} <= ${celDouble(most)}`,
    notes: [`numbers from ${least} to ${most}`],
  };
}

function isFew(different: number, count: number, { exact, least }: Tightness): boolean {
  if (exact) return different <= remembered;
  return different <= fewValues && (different === 1 || count >= 2 * different || count < least);
}

function textCondition(texts: TextProfile, ref: string, tight: Tightness): Described {
  const isText = `type(${ref}) == string`;
  const { values, count, longest, domains, origins, folder } = texts;
  if (values !== undefined && isFew(values.size, count, tight) && [...values].every(mayBeWritten)) {
    const literals = [...values].sort(byCodeUnits).map(celString);
    return { when: oneOf(ref, literals), notes: [counted(values.size, 'text')] };
  }
  if (domains !== undefined && domains.size > 0) {
    const pattern = `^[^@\\s,;<>"]+@${anyOf(domains)}$`;
    return {
      when: `${isText} && ${ref}.matches(${celString(pattern)})`,
      notes: [`e-mail addresses of ${counted(domains.size, 'domain')}`],
    };
  }
  if (origins !== undefined && origins.size > 0 && ![...origins].some(looksSensitive)) {
    const pattern = `^${anyOf(origins)}([/?#]|$)`;
    return {
      when: `${isText} && ${ref}.matches(${celString(pattern)})`,
      notes: [`URLs of ${counted(origins.size, 'host')}`],
    };
  }
  if (folder !== undefined) return folderCondition(texts, folder, ref);
  const most = roundedUp(longest);
  return { when: `${isText} && ${ref}.size() <= ${most}`, notes: [`any text of at most ${most} characters`] };
}

/** Below the folder that all paths share, as far as its name may be written. */
function folderCondition(texts: TextProfile, folder: readonly string[], ref: string): Described {
  const hidden = folder.findIndex(
    (segment) => looksSensitive(segment) || !/^[\p{L}\p{N} _.,:+=-]+$/u.test(segment),
  );
  const shown = hidden === -1 ? folder : folder.slice(0, hidden);
  const path = shown.map((segment) => `/${segment}`).join('');
  const inside = `${ref}.startsWith(${celString(`${path}/`)})`;
  const isItself = hidden === -1 && texts.folderItself && path !== '';
  const when = [
    `type(${ref}) == string`,
    isItself ? `(${ref} == ${celString(path)} || ${inside})` : inside,
    `!${ref}.contains("..")`,
  ].join(' && ');
  const nothing = path === '' ? ', which have no folder in common that may be written' : ' of one folder';
  return { when, notes: [`paths${nothing}`] };
}

/** Of longer lists each element would cost more steps than a decision has. */
const mostElements = { outer: 2_000, inner: 50 } as const;

function listCondition(list: ListProfile, ref: string, tight: Tightness, depth: number): Described {
  const size = `type(${ref}) == list && size(${ref}) <= ${list.longest}`;
  if (list.longest === 0) return { when: `${ref} == []`, notes: ['an empty list'] };
  const note = `lists of at most ${list.longest}`;
  if (list.element === undefined || list.longest > mostElements[depth === 0 ? 'outer' : 'inner'])
    return { when: size, notes: [`${note}, of anything`] };
  const each = `e${depth}`;
  const { when, notes } = valueCondition(list.element, each, tight, depth + 1);
  return { when: `${size} && ${ref}.all(${each}, ${when})`, notes: [`${note}, of ${notes.join(' or ')}`] };
}

function mapCondition(map: MapProfile, ref: string, tight: Tightness, depth: number): Described {
  const isMap = `type(${ref}) == map`;
  const { fields } = map;
  if (fields === undefined || [...fields.keys()].some((name) => !mayBeNamed(name)))
    return {
      when: `${isMap} && size(${ref}) <= ${map.largest}`,
      notes: [`maps of at most ${map.largest} entries, of anything: their keys look like data`],
    };
  const { parts } = fieldConditions(fields, map.count, ref, tight, depth);
  return {
    when: [isMap, ...parts.map(({ when }) => when)].join(' && '),
    notes: [`maps of ${counted(fields.size, 'field')}`],
  };
}

/** Whether the name of an argument or of a field may stand in a pack. */
export function mayBeNamed(name: string): boolean {
  return /^[\p{L}\p{N}_.$ -]{1,64}$/u.test(name) && !looksSensitive(name);
}

/** What is asked of a map's fields: no others, those that were always there, and what each held. */
export function fieldConditions(
  fields: ReadonlyMap<string, ValueProfile>,
  maps: number,
  ref: string,
  tight: Tightness,
  depth: number,
): { readonly parts: readonly (Described & { readonly name: string; readonly seen: number })[] } {
  const names = [...fields.keys()].sort(byCodeUnits);
  const key = `k${depth}`;
  const closed =
    names.length === 0
      ? `size(${ref}) == 0`
      : `${ref}.all(${key}, ${key} in [${names.map(celString).join(', ')}])`;
  const each = names.map((name) => {
    const profile = fields.get(name) as ValueProfile;
    const { ref: field, isThere } = fieldOf(ref, name);
    const { when, notes } = valueCondition(profile, field, tight, depth + 1);
    const asked = profile.count < maps ? `(!(${isThere}) || ${when})` : `${isThere} && ${when}`;
    return { name, seen: profile.count, when: asked, notes };
  });
  return {
    parts: [
      { name: '', seen: maps, when: closed, notes: [`no others than ${counted(names.length, 'name')}`] },
      ...each,
    ],
  };
}

function anyOf(texts: ReadonlySet<string>): string {
  const sorted = [...texts].sort(byCodeUnits).map(quotedPattern);
  return sorted.length === 1 ? (sorted[0] as string) : `(${sorted.join('|')})`;
}

/** 1, 2 or 5 times a power of ten: a limit that the next call of the kind does not hit by a character. */
function roundedUp(length: number): number {
  for (let power = 10; ; power *= 10)
    for (const step of [1, 2, 5]) if (length <= step * power) return step * power;
}

function counted(number: number, what: string): string {
  return `${number} ${number === 1 ? what : `${what}s`}`;
}

export function byCodeUnits(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}
