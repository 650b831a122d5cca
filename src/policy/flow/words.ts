/**
 * A text as the words that it consists of, so that a value is found in it only from one word's edge to another's. Letters are folded
 * for case and composed (NFC), white space separates and is otherwise nothing.
 *
 * What names, addresses, paths, numbers and times consist of holds together: `jim-bob@example.org`, `/srv/a.txt`, `1,200.50` and
 * `10:20` are one word each, so that neither `bob@example.org` nor `srv/a.txt` nor `200` is found in them. Any other sign is a
 * word of its own; `glue` stands between two words without white space, so that `/ tmp` is not `/tmp`.
 */
export function wordsOf(text: string): string[] {
  const folded = fold(text.replace(pageThenSentence, '$1. '));
  const words: string[] = [];
  let at = 0;
  let glued = false;
  const add = (word: string): void => {
    if (glued) words.push(glue);
    words.push(word);
    glued = true;
  };
  while (at < folded.length) {
    const kind = kindAt(folded, at);
    if (kind === 'space') {
      glued = false;
      at += 1;
    } else if (kind === 'sign') {
      const width = widthAt(folded, at);
      add(folded.slice(at, at + width));
      at += width;
    } else {
      const end = endOfRun(folded, at);
      for (const word of piecesOf(folded.slice(at, end))) add(word);
      at = end;
    }
  }
  return words;
}

/** A page's address and a sentence after it without a blank between: `www.example.org.They`. */
const pageThenSentence = /(\bwww\.[^\s]{1,100}?\p{Ll})\.(?=\p{Lu}\p{Ll})/gu;

/** No word has a line break in it, so these are none. */
export const glue = '\n';
export const edge = '\n\n';

/** Longer runs of marks on one letter are no writing, and composing them would take quadratic time. */
const manyMarks = /\p{M}{32,}/gu;

function fold(text: string): string {
  if (!beyondAscii.test(text)) return text.toLowerCase();
  return text.replace(manyMarks, '\ufffd').normalize('NFC').toLowerCase().normalize('NFC');
}

const beyondAscii = /[^\u0000-\u007f]/;

type Kind = 'space' | 'letter' | 'joint' | 'sign';

/** What holds two letters together. */
const joints = new Set('.-/:@+%&=#~\\?');
/** Of these, what belongs to the word that begins with it. */
const leading = new Set('./~-\\');

const ascii: readonly Kind[] = Array.from({ length: 128 }, (_, code) => kindOf(String.fromCharCode(code)));

function kindOf(character: string): Kind {
  if (/^[\p{L}\p{N}\p{M}\p{Cf}_]/u.test(character)) return 'letter';
  if (/^[\s\p{Cc}]/u.test(character)) return 'space';
  return joints.has(character) ? 'joint' : 'sign';
}

/** Of characters beyond ASCII: asking a pattern takes longer. */
const known = new Map<string, Kind>();

/** What stands between letters decides for a comma (of a number) and an apostrophe (unless it is a possessive's). */
function kindAt(text: string, at: number): Kind {
  const code = text.charCodeAt(at);
  if (code === 0x2c) return isDigit(text, at - 1) && isDigit(text, at + 1) ? 'joint' : 'sign';
  if (code === 0x27 || code === 0x2019) return isApostrophe(text, at) ? 'joint' : 'sign';
  if (code < 128) return ascii[code] ?? 'sign';
  const character = text.slice(at, at + widthAt(text, at));
  let kind = known.get(character);
  if (kind === undefined) {
    kind = kindOf(character);
    if (known.size < 4_096) known.set(character, kind);
  }
  return kind;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0x30 && code <= 0x39;
}

function isApostrophe(text: string, at: number): boolean {
  if (!isLetter(text, at - 1) || !isLetter(text, at + 1)) return false;
  const possessive = text[at + 1] === 's' && !isLetter(text, at + 2) && !joints.has(text[at + 2] ?? ' ');
  return !possessive;
}

function isLetter(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  if (Number.isNaN(code)) return false;
  // Half of a pair stands for a letter: what is wrongly held together is not found, and grants nothing.
  return code < 128 ? ascii[code] === 'letter' : /[\p{L}\p{N}\p{M}\p{Cf}\p{Cs}]/u.test(text[at] ?? '');
}

function widthAt(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}

function endOfRun(text: string, start: number): number {
  let at = start;
  while (at < text.length) {
    const kind = kindAt(text, at);
    if (kind !== 'letter' && kind !== 'joint') break;
    at += widthAt(text, at);
  }
  return at;
}

/** A run of letters and joints without the joints that hold nothing at its ends: those are words of their own. */
function piecesOf(run: string): string[] {
  let start = 0;
  let end = run.length;
  while (end > start && isJoint(run[end - 1] ?? '')) end -= 1;
  if (end === start) return [run];
  while (isJoint(run[start] ?? '') && !leading.has(run[start] ?? '')) start += 1;
  return [run.slice(0, start), run.slice(start, end), run.slice(end)].filter((piece) => piece !== '');
}

function isJoint(character: string): boolean {
  return joints.has(character) || character === ',' || character === "'" || character === '\u2019';
}
