import { pointer } from '../../call/pointer.ts';

/** A text of a definition: a value, or the name of a member, such as that of a parameter. */
export interface DefinitionText {
  readonly text: string;
  /** JSON pointer of the value, or of the member that is called so. */
  readonly where: string;
}

interface Place {
  readonly value: unknown;
  readonly tokens: readonly (string | number)[];
}

/** Deeper, no model is shown it, and pointers would grow without end. */
const maxDepth = 64;

/** Every text of a definition, whatever member it is in. Nesting deeper than 64 is left out and told: `isWhole` is false. */
export function textsOf(definition: unknown): {
  readonly texts: readonly DefinitionText[];
  readonly isWhole: boolean;
} {
  const texts: DefinitionText[] = [];
  let isWhole = true;
  const open: Place[] = [{ value: definition, tokens: [] }];
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const { value, tokens } = place;
    if (typeof value === 'string') texts.push({ text: value, where: pointer(...tokens) });
    if (typeof value !== 'object' || value === null) continue;
    if (tokens.length === maxDepth) {
      isWhole = false;
      continue;
    }
    const isList = Array.isArray(value);
    if (!isList)
      for (const key of Object.keys(value)) texts.push({ text: key, where: pointer(...tokens, key) });
    // The last is taken from `open` first: so the order of the text is kept.
    for (const [key, each] of Object.entries(value).toReversed()) {
      const below = [...tokens, isList ? Number(key) : key];
      open.push({ value: each, tokens: below });
    }
  }
  return { texts, isWhole };
}
