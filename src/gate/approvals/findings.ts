import { isJsonObject, type Json } from '../../call/json.ts';
import { pointer } from '../../call/pointer.ts';
import { reviewCharacters } from '../tool-review/characters.ts';
import type { ApprovedContent } from './request-document.ts';

/** Something in a call that whoever approves it might not see. */
export interface CallFinding {
  /** JSON pointer of the value; of its key, where that is what it is about. */
  readonly at: string;
  readonly message: string;
  /** Made visible. */
  readonly excerpt: string;
}

/** More than these nobody reads. */
const maxFindings = 20;

/** Characters in arguments that print nothing, or make something else be seen than is sent. */
export function reviewContent({ arguments: given, params }: ApprovedContent): readonly CallFinding[] {
  const texts = [...textsOf(given, []), ...(params ? textsOf(params, []) : [])];
  return texts
    .flatMap(({ at, text }) =>
      reviewCharacters(text).map(({ message, excerpt }) => ({ at: pointer(...at), message, excerpt })),
    )
    .slice(0, maxFindings);
}

interface Text {
  readonly at: readonly (string | number)[];
  readonly text: string;
}

function textsOf(value: Json, at: Text['at']): readonly Text[] {
  if (typeof value === 'string') return [{ at, text: value }];
  if (Array.isArray(value)) return value.flatMap((each, index) => textsOf(each, [...at, index]));
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([key, each]) => [
    { at: [...at, key], text: key },
    ...textsOf(each, [...at, key]),
  ]);
}
