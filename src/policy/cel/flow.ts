import { celFunc, CelScalar, isCelList, isCelMap, mapType, type CelFunc, type CelMap } from '@bufbuild/cel';
import { isLiteral, matchesTool, parseToolPattern, type ToolPattern } from '../../call/tool-pattern.ts';
import { otherTools } from '../flow/history.ts';
import { charge } from './meter.ts';
import type { CelValue } from './values.ts';

/**
 * What a condition may ask of the past: where a value was seen before, and what this delegation called. `program.ts` hands each
 * function the root that it reads, so that a call without one is an error, and so a DENY.
 */
export const rootOfFlow: ReadonlyMap<string, 'origins' | 'history'> = new Map([
  ['fromRequest', 'origins'],
  ['fromTrusted', 'origins'],
  ['fromTool', 'origins'],
  ['called', 'history'],
]);

/** The name that no source can spell. */
export function flowFunctionOf(name: string): string {
  return `@${name}`;
}

const { BOOL, DYN, INT, STRING } = CelScalar;
const MAP = mapType(DYN, DYN);

/** Sources as `origins` lists them for a value: see `../flow/seen.ts`. */
type IsGood = (source: string) => boolean;

const ofRequest: IsGood = (source) => source === 'request';
const ofTrusted: IsGood = (source) =>
  source === 'request' || source === 'constant' || source.startsWith('trusted:');

const patterns = new Map<string, ToolPattern>();

/** Patterns are literals of the policy, so there are as few as it has. */
function patternOf(text: string): ToolPattern {
  let pattern = patterns.get(text);
  if (pattern === undefined) patterns.set(text, (pattern = parseToolPattern(text)));
  return pattern;
}

function matches(pattern: ToolPattern, tool: string): boolean {
  const slash = tool.indexOf('/');
  return slash > 0 && matchesTool(pattern, tool.slice(0, slash), tool.slice(slash + 1));
}

function ofTool(text: string): IsGood {
  const pattern = patternOf(text);
  return (source) => matches(pattern, source.slice(source.indexOf(':') + 1)) && source.includes(':');
}

/**
 * Whether every text and number in a value came from a good source. Keys of maps count as much as their values. What says nothing
 * (booleans, null, the empty string) may come from anywhere; what is not known came from nowhere.
 */
function everyFrom(origins: CelMap, value: CelValue, isGood: IsGood): boolean {
  charge(1);
  if (value === null || typeof value === 'boolean' || value === '') return true;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint')
    return isFrom(origins, String(value), isGood);
  if (isCelList(value)) {
    for (const element of value.values()) if (!everyFrom(origins, element, isGood)) return false;
    return true;
  }
  if (isCelMap(value)) {
    for (const [key, element] of value.entries())
      if (!everyFrom(origins, key, isGood) || !everyFrom(origins, element, isGood)) return false;
    return true;
  }
  return false;
}

function isFrom(origins: CelMap, text: string, isGood: IsGood): boolean {
  const sources = origins.get(text);
  if (!isCelList(sources)) return false;
  for (const source of sources.values()) if (typeof source === 'string' && isGood(source)) return true;
  return false;
}

/** Where tools found no more room in the history, only of one that has an entry it is known how often it was called. */
function timesCalled(history: CelMap, text: string): bigint {
  const calls = history.get('calls');
  if (!isCelMap(calls)) throw new TypeError('no history');
  const pattern = patternOf(text);
  if (calls.has(otherTools) && !(isLiteral(pattern) && calls.has(text))) throw new TypeError('not known');
  let times = 0;
  for (const [tool, count] of calls.entries())
    if (typeof tool === 'string' && typeof count === 'number' && matches(pattern, tool)) times += count;
  return BigInt(times);
}

export const flowFunctions: CelFunc[] = [
  celFunc('@fromRequest', [MAP, DYN], BOOL, (origins, value) => everyFrom(origins, value, ofRequest)),
  celFunc('@fromTrusted', [MAP, DYN], BOOL, (origins, value) => everyFrom(origins, value, ofTrusted)),
  celFunc('@fromTool', [MAP, DYN, STRING], BOOL, (origins, value, tool) =>
    everyFrom(origins, value, ofTool(tool)),
  ),
  celFunc('@called', [MAP, STRING], INT, timesCalled),
];
