/**
 * What must not be written into a pack, where others read it: secrets, and what tells of a person. A guess on the safe side: what
 * is withheld is only described less exactly.
 */

/** Longest text that is written out. */
const maxConstant = 64;

/** A text that reads as a name of something: an option, a path, a version. Prose is left out: it tells of people. */
const nameLike = /^[\p{L}\p{N}_.:/+=-]*$/u;

const marks =
  /^(?:sk|pk|rk|ghp|gho|ghs|ghu|glpat|xox[a-z]|eyJ|AKIA|ASIA|AIza|SG|hf|npm|dop)[-_.A-Za-z0-9]|BEGIN|password|secret|token/i;

/** An account, a card, a telephone: nine digits or more, however they are parted. */
const number = /^\+?[0-9][0-9 ()./-]{7,}$|\d{9}/;
const iban = /^[A-Z]{2}\d{2}[A-Z0-9]{10,}$/;

export function mayBeWritten(text: string): boolean {
  return text.length <= maxConstant && nameLike.test(text) && !looksSensitive(text);
}

/** Whether a text looks like a secret or like data of a person, by itself or in one of its parts. */
export function looksSensitive(text: string): boolean {
  if (text.includes('@') || iban.test(text)) return true;
  return text.split('/').some((part) => marks.test(part) || number.test(part) || looksRandom(part));
}

/** Sixteen characters or more without a word in them, as keys, tokens and ids have. */
function looksRandom(text: string): boolean {
  return text.split(/[.:=\s]/).some((part) => {
    if (part.length < 16) return false;
    if (/^[0-9a-fA-F-]+$/.test(part)) return true;
    const mixed = /[0-9]/.test(part) && /[A-Za-z]/.test(part);
    const bothCases = /[a-z][A-Z]|[A-Z][a-z][A-Z]/.test(part) && !/[_-]/.test(part);
    return (mixed || bothCases) && entropy(part) >= 3;
  });
}

/** Bits for each character. */
function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  return [...counts.values()].reduce(
    (sum, count) => sum - (count / text.length) * Math.log2(count / text.length),
    0,
  );
}
