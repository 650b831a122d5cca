import { fromUtf8 } from '../../call/sha256.ts';
import type { TextFinding } from './finding.ts';
import { excerptAt } from './visible.ts';

const bidiControls = /[\u202a-\u202e\u2066-\u2069]/u;
const bidiMarks = /[\u200e\u200f\u061c]/u;
const rightToLeft = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;

/** Everything that a terminal takes for a command; a carriage return without its line feed overwrites the line. */
const controls = /[\0-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]|\r(?!\n)/u;

/** What prints nothing. Bidi controls do, and are told apart. */
const unseen = /[\p{Default_Ignorable_Code_Point}\ufff9-\ufffb\u2800]/u;
const bidi = /[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/gu;

/** Emoji are made with joiners, variation selectors and tags: those of Unicode’s own list hide nothing. */
const emoji = /\p{RGI_Emoji}/gv;
/** Where writing needs what prints nothing: one selector for one character, joiners and spaces within scripts that have them. */
const ordinary = [
  /(?<=\p{Emoji})[\ufe0e\ufe0f](?![\ufe00-\ufe0f\u{e0100}-\u{e01ef}])/gu,
  /(?<=\p{Ideographic})[\ufe00-\ufe02\u{e0100}-\u{e01ef}](?![\ufe00-\ufe0f\u{e0100}-\u{e01ef}])/gu,
  /(?<=\p{Script=Mongolian})[\u180b-\u180f]/gu,
  /(?<=[\p{Script=Arabic}\p{Script=Syriac}\p{Script=Mongolian}])[\u200c\u200d](?!\u200c|\u200d)/gu,
  /(?<=[\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Gujarati}\p{Script=Gurmukhi}\p{Script=Kannada}])[\u200c\u200d](?!\u200c|\u200d)/gu,
  /(?<=[\p{Script=Malayalam}\p{Script=Oriya}\p{Script=Sinhala}\p{Script=Tamil}\p{Script=Telugu}])[\u200c\u200d](?!\u200c|\u200d)/gu,
  /(?<=[\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}])\u200b(?!\u200b)/gu,
];

/** Characters that a person does not see and a model reads, or that make a person see something else. */
export function reviewCharacters(text: string): readonly TextFinding[] {
  return [...reviewControls(text), ...reviewBidi(text), ...reviewUnseen(text)];
}

function reviewControls(text: string): readonly TextFinding[] {
  const at = text.search(controls);
  if (at < 0) return [];
  const message = 'Holds control characters, which can rewrite what a terminal shows.';
  return [{ kind: 'terminal-escapes', message, excerpt: excerptAt(text, at) }];
}

function reviewBidi(text: string): readonly TextFinding[] {
  const control = text.search(bidiControls);
  const mark = rightToLeft.test(text) ? -1 : text.search(bidiMarks);
  const at = control >= 0 ? control : mark;
  if (at < 0) return [];
  const message =
    'Holds characters that change the direction of the text: it is read in another order than it is shown.';
  return [{ kind: 'bidi-controls', message, excerpt: excerptAt(text, at) }];
}

function reviewUnseen(text: string): readonly TextFinding[] {
  if (!unseen.test(text)) return [];
  const rest = ordinary.reduce(
    (left, pattern) => left.replace(pattern, ''),
    text.replace(bidi, '').replace(emoji, 'e'),
  );
  const at = rest.search(unseen);
  if (at < 0) return [];
  const hidden = smuggled(rest);
  return hidden === ''
    ? [
        {
          kind: 'invisible-characters',
          message: 'Holds characters that print nothing.',
          excerpt: excerptAt(rest, at),
        },
      ]
    : [
        {
          kind: 'invisible-characters',
          message: 'Holds a text in characters that print nothing; the excerpt is that text.',
          excerpt: excerptAt(hidden),
        },
      ];
}

/** The text that tag characters spell, or the bytes that variation selectors stand for; empty when it is none worth reading. */
function smuggled(text: string): string {
  let tags = '';
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code >= 0xe0020 && code <= 0xe007e) tags += String.fromCharCode(code - 0xe0000);
    if (code >= 0xfe00 && code <= 0xfe0f) bytes.push(code - 0xfe00);
    if (code >= 0xe0100 && code <= 0xe01ef) bytes.push(code - 0xe0100 + 16);
  }
  if (tags !== '') return tags;
  const decoded = fromUtf8(Uint8Array.from(bytes)) ?? '';
  return /^[\p{L}\p{N}\p{P}\p{S}\s]{3,}$/u.test(decoded) ? decoded : '';
}
