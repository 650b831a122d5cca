import type { RE2JS } from 're2js';
import type { Json } from '../call/json.ts';
import { matchesField, parseFieldPattern } from './field-pattern.ts';
import type { RedactObligation } from './obligation.ts';

/** What an obligation takes out. */
export interface Redactor {
  /** What stands for the whole value at this path; undefined where that is left. */
  whole(path: readonly string[]): string | undefined;
  /** A text with what the pattern finds replaced. */
  text(text: string): string;
}

/** Of several obligations, in their order. What finds patterns is loaded when a rule first asks for it: no other gate pays for it. */
export function redactorsOf(obligations: readonly Redaction[]): Promise<Redactor[]> {
  return Promise.all(obligations.map(redactorOf));
}

type Redaction = Pick<RedactObligation, 'fields' | 'match' | 'with'>;

async function redactorOf(obligation: Redaction): Promise<Redactor> {
  const { with: replacement, match } = obligation;
  const patterns = obligation.fields.map((field) => parseFieldPattern(field) ?? []);
  return {
    whole: (path) => (patterns.some((pattern) => matchesField(pattern, path)) ? replacement : undefined),
    text: match === undefined ? (text) => text : await replacing(match, replacement),
  };
}

/** A JSON value with what obligations take out, in their order; the same value when nothing is. Never throws on JSON. */
export function redactJson(value: Json, redactors: readonly Redactor[], path: readonly string[] = []): Json {
  if (redactors.some((one) => one.whole(path) !== undefined) || typeof value === 'string')
    return redactText(typeof value === 'string' ? value : '', redactors, path);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const elements = value.map((one, at) => redactJson(one, redactors, [...path, String(at)]));
    return elements.every((one, at) => one === value[at]) ? value : elements;
  }
  const entries = Object.entries(value).map(
    ([key, one]) => [key, redactJson(one, redactors, [...path, key])] as const,
  );
  // `Object.fromEntries` defines: a key `__proto__` stays a key.
  return entries.every(([key, one]) => one === value[key]) ? value : Object.fromEntries(entries);
}

/** What stands for a text, or for a value that is replaced as a whole. */
export function redactText(text: string, redactors: readonly Redactor[], path: readonly string[]): string {
  return redactors.reduce((left, one) => one.whole(path) ?? one.text(left), text);
}

/** RE2 runs in time linear in the text, whoever chose that. */
async function replacing(match: string, replacement: string): Promise<(text: string) => string> {
  const { RE2JS } = await import('re2js');
  let pattern = compiled.get(match);
  // Patterns are literals of the policy, so there are as few as it has.
  if (pattern === undefined) compiled.set(match, (pattern = RE2JS.compile(match)));
  const literal = RE2JS.quoteReplacement(replacement);
  const found = pattern;
  return (text) => found.matcher(text).replaceAll(literal);
}

const compiled = new Map<string, RE2JS>();
