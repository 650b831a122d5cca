import { canonicalJson } from '../../call/canonical-json.ts';
import { asJson, isJsonObject, type Json, type JsonObject } from '../../call/json.ts';
import { utf8 } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import type { Tool, ToolLabel } from '../policy.ts';

/**
 * What one delegation did before. Plain JSON; times are milliseconds since 1970. What an ALLOW lets in counts from the ALLOW on:
 * whether the output arrived, only the agent's side could say.
 */
export interface History {
  /** When an output that is not wholly trusted, or one with a sensitive part, was last let in. */
  readonly untrusted?: number;
  readonly sensitive?: number;
  /** By `server/tool`: how often it was allowed, and when last. */
  readonly calls: Readonly<Record<string, Times>>;
  /** Calls of tools that found no more room. */
  readonly others?: Times;
}

interface Times {
  readonly count: number;
  readonly last: number;
}

/** What nothing of was heard for so long is as if it had not been. */
export const historyHorizon = 7 * 86_400_000;

export const historyLimits = {
  tools: 96,
  /** UTF-8 bytes of all tools' names as JSON, and of a history as text. */
  names: 6_144,
  encoded: 16_384,
} as const;

export const emptyHistory: History = Object.freeze({
  calls: Object.freeze(Object.create(null) as Record<string, Times>),
});

/** The name in `calls` of tools that found no more room: no `server/tool`. */
export const otherTools = '*';

/**
 * `history` as conditions read it: `untrusted`, `sensitive`, and `calls` by `server/tool`. Where tools found no more room `calls` has
 * an entry `*`, and what is asked of a tool without an entry cannot be told.
 */
export function historyRoot(history: History, now: number): JsonObject {
  const calls = Object.create(null) as JsonObject;
  for (const [name, times] of Object.entries(history.calls))
    if (isRecent(times.last, now)) calls[name] = times.count;
  const { others } = history;
  if (others !== undefined && isRecent(others.last, now)) calls[otherTools] = others.count;
  return rootOf({
    untrusted: history.untrusted !== undefined && isRecent(history.untrusted, now),
    sensitive: history.sensitive !== undefined && isRecent(history.sensitive, now),
    calls,
  });
}

function rootOf(fields: JsonObject): JsonObject {
  return Object.assign(Object.create(null) as JsonObject, fields);
}

/** A clock that was set back makes nothing older. */
function isRecent(last: number, now: number): boolean {
  return now - last <= historyHorizon;
}

/** The history once a call to a tool was allowed. */
export function afterAllow(history: History, tool: Tool, label: ToolLabel, now: number): History {
  // While some have found no room none is made: one of them would be counted from then on, and have been called more often.
  const keepsAll = history.others !== undefined && isRecent(history.others.last, now);
  const calls = Object.create(null) as Record<string, Times>;
  for (const [name, times] of Object.entries(history.calls))
    if (keepsAll || isRecent(times.last, now)) calls[name] = times;
  const name = `${tool.server}/${tool.name}`;
  const known = calls[name];
  const fits = known !== undefined || hasRoomFor(name, Object.keys(calls));
  if (fits) calls[name] = once(known, now);
  const others = fits ? history.others : once(history.others, now);
  const untrusted = isWhollyTrusted(label) ? history.untrusted : later(history.untrusted, now);
  const sensitive = isSensitive(label) ? later(history.sensitive, now) : history.sensitive;
  return {
    calls,
    ...(others === undefined || !isRecent(others.last, now) ? {} : { others }),
    ...(untrusted === undefined ? {} : { untrusted }),
    ...(sensitive === undefined ? {} : { sensitive }),
  };
}

function once(times: Times | undefined, now: number): Times {
  const before = times !== undefined && isRecent(times.last, now) ? times : { count: 0, last: now };
  return { count: Math.min(before.count + 1, Number.MAX_SAFE_INTEGER), last: Math.max(before.last, now) };
}

function later(before: number | undefined, now: number): number {
  return Math.max(before ?? now, now);
}

function hasRoomFor(name: string, names: readonly string[]): boolean {
  if (!name.isWellFormed()) return false;
  const bytes = [...names, name].reduce((sum, one) => sum + utf8(JSON.stringify(one)).length, 0);
  return names.length < historyLimits.tools && bytes <= historyLimits.names;
}

function isWhollyTrusted({ trusted, fields }: ToolLabel): boolean {
  return trusted && fields.every(({ label }) => label.trusted);
}

function isSensitive({ sensitive, fields }: ToolLabel): boolean {
  return sensitive || fields.some(({ label }) => label.sensitive);
}

/** Canonical JSON. */
export function encodeHistory(history: History): string {
  return canonicalJson(asJson(history));
}

/** Throws CountersignError LEDGER_CORRUPT for what `encodeHistory` does not write. */
export function parseHistory(text: string): History {
  const history = text.length > historyLimits.encoded ? undefined : readHistory(parseJson(text));
  if (history === undefined || encodeHistory(history) !== text)
    throw new CountersignError(
      'LEDGER_CORRUPT',
      'The history of a delegation is none; restore the ledger from a backup.',
    );
  return history;
}

function parseJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return null;
  }
}

function readHistory(value: Json): History | undefined {
  if (!isJsonObject(value) || !isJsonObject(value['calls'])) return undefined;
  const calls = Object.create(null) as Record<string, Times>;
  for (const [name, json] of Object.entries(value['calls'])) {
    const times = readTimes(json);
    if (times === undefined) return undefined;
    calls[name] = times;
  }
  const { others, untrusted, sensitive } = value;
  const read: { -readonly [Field in keyof History]: History[Field] } = { calls };
  if (others !== undefined) {
    const times = readTimes(others);
    if (times === undefined) return undefined;
    read.others = times;
  }
  if (untrusted !== undefined) {
    if (!isTime(untrusted)) return undefined;
    read.untrusted = untrusted;
  }
  if (sensitive !== undefined) {
    if (!isTime(sensitive)) return undefined;
    read.sensitive = sensitive;
  }
  return read;
}

function readTimes(value: Json): Times | undefined {
  if (!isJsonObject(value)) return undefined;
  const { count, last } = value;
  return isTime(count) && count > 0 && isTime(last) ? { count, last } : undefined;
}

/** A whole number that is none below zero. */
function isTime(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
