import { isJsonObject, type Json, type JsonObject } from '../../call/json.ts';
import type { Tool, ToolLabel } from '../policy.ts';
import { derivedOf, fieldForms, formsOf, saidIn } from './derived.ts';
import { Finder } from './finder.ts';
import { textsOf, type OutputText } from './output-texts.ts';
import { edge, wordsOf } from './words.ts';
import { Vocabulary } from './vocabulary.ts';

/**
 * What one delegation has seen, and where a value was seen before. Matching is of whole values from one word's edge to another's,
 * folded for case, white space and Unicode's ways of writing one letter, with what `derived.ts` knows of dates, times, numbers and
 * addresses of pages. What stands in a trusted field is found only as the whole of it. A value that was paraphrased, translated, put together from parts or reckoned out comes from nowhere.
 */
export interface Seen {
  /** Remembers the result of a tools/call (`content`, `structuredContent`) or any other JSON that a tool gave. */
  remember(tool: Tool, label: ToolLabel, output: Json): void;
  /**
   * Each text and number in the arguments, keys of maps within them included, by `String`: the sources that it was seen in, sorted.
   * `request`: what the person asked for, undefined where nobody told. `constants`: texts that policy vouches for.
   */
  originsOf(args: JsonObject, request: string | undefined, constants: ReadonlySet<string>): JsonObject;
}

export const seenLimits = {
  /** Characters, and words eightfold, of all that is remembered: the oldest is forgotten. */
  size: 4_194_304,
  /** Of one output. What comes after it was not seen. */
  outputSize: 2_097_152,
  /** Of a value, the first in their order. */
  sources: 64,
} as const;

interface Memory {
  readonly source: string;
  readonly words: Int32Array;
  readonly size: number;
}

export function createSeen(): Seen {
  const vocabulary = new Vocabulary(seenLimits.size);
  let memories: Memory[] = [];
  let size = 0;
  let asked: { readonly text: string; readonly words: readonly string[] } | undefined;

  function forgetOldest(): void {
    let oldest = 0;
    while (size > seenLimits.size) size -= memories[oldest++]?.size ?? size;
    if (oldest > 0) memories = memories.slice(oldest);
  }

  /** Words of what was forgotten have numbers still. */
  function renumber(): void {
    if (!vocabulary.isFull) return;
    const renumbered = vocabulary.renumber(memories.map(({ words }) => words));
    memories = memories.map((memory, at) => ({ ...memory, words: renumbered[at] ?? memory.words }));
  }

  return {
    remember(tool, label, output) {
      for (const [trusted, { words, size: taken }] of readOutput(textsOf(output, label))) {
        const source = `${trusted ? 'trusted' : 'untrusted'}:${tool.server}/${tool.name}`;
        memories.push({ source, words: vocabulary.numbersOf(words), size: taken });
        size += taken;
      }
      forgetOldest();
    },
    originsOf(args, request, constants) {
      renumber();
      const values = [...valuesIn(args)];
      const origins = new Map<string, string[]>(values.map((value) => [value, []]));
      const vouched = foldedOf(constants);
      if (vouched.size > 0)
        for (const value of values) if (vouched.has(foldedText(value))) origins.get(value)?.push('constant');
      if (request !== undefined && asked?.text !== request)
        asked = { text: request, words: remembered(request, saidIn) };
      const said =
        request === undefined ? [] : [{ source: 'request', words: vocabulary.numbersOf(asked?.words ?? []) }];
      for (const [source, value] of sourcesOf(values, [...said, ...memories], vocabulary)) {
        const sources = origins.get(value);
        if (sources !== undefined && sources.length < seenLimits.sources) sources.push(source);
      }
      return asJson(origins);
    },
  };
}

/** A text between edges, and what it says in other words. */
function remembered(text: string, formsIn = derivedOf): string[] {
  const words = wordsOf(text);
  if (words.length === 0) return [];
  return [edge, ...words, edge, ...formsIn(words).flatMap((form) => [form, edge])];
}

function rememberedField(text: string): string[] {
  const words = wordsOf(text);
  return words.length === 0 ? [] : [edge, ...fieldForms(words).flatMap((form) => [form, edge])];
}

interface ReadOutput {
  readonly words: string[];
  size: number;
}

/** What of an output is trusted and what is not, as far as it is remembered. */
function readOutput(texts: Iterable<OutputText>): Map<boolean, ReadOutput> {
  const read = new Map<boolean, ReadOutput>();
  let left: number = seenLimits.outputSize;
  for (const { text, trusted, isField } of texts) {
    if (left <= 0) break;
    let part = read.get(trusted);
    if (part === undefined) read.set(trusted, (part = { words: [], size: 0 }));
    const seen = text.length > left ? cutAt(text, left) : text;
    const words = trusted && isField ? rememberedField(seen) : remembered(seen);
    // An output of signs alone has more words than most, and is cut short.
    const kept = Math.min(words.length, Math.ceil(left / 8));
    for (let at = 0; at < kept; at += 1) part.words.push(words[at] ?? '');
    const taken = Math.min(text.length, left) + 8 * kept;
    part.size += taken;
    left -= taken;
  }
  return read;
}

/** Without what may be half a word at the end. */
function cutAt(text: string, length: number): string {
  let end = length;
  while (end > 0 && !/\s/.test(text[end] ?? '')) end -= 1;
  return text.slice(0, end);
}

/** Every source of every value, in the order of sources. */
function* sourcesOf(
  values: readonly string[],
  memories: readonly Pick<Memory, 'source' | 'words'>[],
  vocabulary: Vocabulary,
): Generator<[source: string, value: string]> {
  const sequences: (readonly number[])[] = [];
  const wanted: { readonly value: string; readonly all: readonly number[] }[] = [];
  for (const value of values)
    for (const form of formsOf(value)) {
      const known = form.map((words) => vocabulary.known(words));
      if (known.some((one) => one === undefined)) continue;
      wanted.push({ value, all: known.map((one) => sequences.push(one ?? []) - 1) });
    }
  if (wanted.length === 0) return;
  const finder = new Finder(sequences, vocabulary.size);
  for (const [source, texts] of bySource(memories)) {
    const found = finder.foundIn(texts);
    const from = new Set(
      wanted.filter(({ all }) => all.every((one) => found.has(one))).map(({ value }) => value),
    );
    for (const value of from) yield [source, value];
  }
}

function bySource(memories: readonly Pick<Memory, 'source' | 'words'>[]): [string, Int32Array[]][] {
  const texts = new Map<string, Int32Array[]>();
  for (const { source, words } of memories) {
    const same = texts.get(source);
    if (same === undefined) texts.set(source, [words]);
    else same.push(words);
  }
  return [...texts].sort(([one], [other]) => (one < other ? -1 : 1));
}

/** Texts and numbers, and the keys of maps below the arguments themselves. Without recursion: arguments are as deep as their caller likes. */
function valuesIn(args: JsonObject): ReadonlySet<string> {
  const values = new Set<string>();
  const places: Json[] = Object.keys(args).map((key) => args[key] ?? null);
  for (let place = places.pop(); place !== undefined; place = places.pop()) {
    if (typeof place === 'string' || typeof place === 'number') values.add(String(place));
    else if (Array.isArray(place)) for (const one of place) places.push(one);
    else if (isJsonObject(place))
      for (const key of Object.keys(place)) {
        values.add(key);
        places.push(place[key] ?? null);
      }
  }
  return values;
}

const foldedConstants = new WeakMap<ReadonlySet<string>, ReadonlySet<string>>();

function foldedOf(constants: ReadonlySet<string>): ReadonlySet<string> {
  let folded = foldedConstants.get(constants);
  if (folded === undefined) {
    folded = new Set([...constants].map(foldedText));
    foldedConstants.set(constants, folded);
  }
  return folded;
}

function foldedText(text: string): string {
  return wordsOf(text).join(' ');
}

function asJson(origins: ReadonlyMap<string, string[]>): JsonObject {
  const json = Object.create(null) as JsonObject;
  for (const [value, sources] of origins) json[value] = sources.sort();
  return json;
}
