import { isCelList, isCelMap, isCelUint } from '@bufbuild/cel';
import { refillMeter } from '../cel/meter.ts';
import type { Bindings } from '../cel/program.ts';
import type { CelValue } from '../cel/values.ts';
import type { Found } from './explained.ts';
import type { Macro } from './macro.ts';

export interface Element {
  readonly at: number | string;
  readonly value: CelValue;
}

type Wanted = (answer: Found, anyKind: boolean) => boolean;

/** What the deciding element of a macro answers; undefined where no single one decides. */
export function wantedOf(name: Macro['name'], found: Found): Wanted | undefined {
  if (!('value' in found))
    return (answer, anyKind) => !('value' in answer) || (!anyKind && typeof answer.value !== 'boolean');
  const is =
    (wanted: boolean): Wanted =>
    (answer) =>
      'value' in answer && answer.value === wanted;
  if (name === 'all') return found.value === false ? is(false) : undefined;
  if (name === 'exists' || name === 'exists_one') return found.value === true ? is(true) : undefined;
  return undefined;
}

/** Undefined for what cannot be walked over, or is too large to be. */
export function elementsOf(range: CelValue): readonly Element[] | undefined {
  refillMeter();
  try {
    if (isCelList(range)) return [...range.values()].map((value, at) => ({ at, value }));
    if (isCelMap(range))
      return [...range.keys()].map((value) => ({
        at: String(isCelUint(value) ? value.value : value),
        value,
      }));
  } catch {
    return undefined;
  }
  return undefined;
}

/** The bindings within a macro. */
export function bindingsWith(bindings: Bindings, name: string, value: CelValue): Bindings {
  const inner = Object.assign(Object.create(null) as Bindings, bindings);
  inner[name] = value;
  return inner;
}
