import { isCelList, isCelMap } from '@bufbuild/cel';
import type { Json } from '../../call/json.ts';
import { refillMeter } from '../cel/meter.ts';
import type { Bindings } from '../cel/program.ts';
import type { Explained } from './explained.ts';

/** Texts and numbers of one value whose origins are told. */
const mostLeaves = 32;

/** Where the texts and numbers of a value were seen: what `fromRequest` and its like look up. `[]` is nowhere. */
export function seenFrom(part: Explained, bindings: Bindings): Explained | undefined {
  const origins = bindings['origins'];
  if (!('value' in part) || !isCelMap(origins)) return undefined;
  refillMeter();
  try {
    const entries = [...new Set(leavesOf(part.value))].slice(0, mostLeaves).map((leaf) => {
      const sources = origins.get(leaf);
      const told = isCelList(sources) ? [...sources.values()].filter((one) => typeof one === 'string') : [];
      return [leaf, told] as const;
    });
    return {
      text: `origins of ${part.text}`,
      needed: part.needed,
      value: Object.fromEntries(entries),
      parts: [],
    };
  } catch {
    return undefined;
  }
}

function leavesOf(value: Json): readonly string[] {
  if (typeof value === 'string') return value === '' ? [] : [value];
  if (typeof value === 'number') return [String(value)];
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(leavesOf);
  return Object.entries(value).flatMap(([key, inner]) => [key, ...leavesOf(inner)]);
}
