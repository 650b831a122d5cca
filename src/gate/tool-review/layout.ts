import type { TextFinding } from './finding.ts';
import { excerptAt } from './visible.ts';

/** Beyond what a window shows: lines, and columns within one. */
const blankLines = 10;
const blankColumns = 100;
/** Lines that say nothing, such as one dot each. */
const idleLines = 20;
const tabColumns = 8;

const blanks = /[\s\u115f\u1160\u200b\u2800\u3164\ufeff]+/gu;

/** Tags that nothing renders, and that models were trained to obey, or taken to obey. */
const pseudoTags = [
  /<\/?\s{0,8}(?:important|system|sys|instructions?|secret|hidden|critical|attention|urgent|admin|assistant|developer|override|prompt|thinking|tool_?(?:call|use|result))\b[^<>]{0,80}>/i,
  /<\|[a-z_]{2,24}\|>/i,
  /<<\s{0,4}sys\s{0,4}>>|\[\/?inst\]|\[\/?(?:system|developer|admin)(?: (?:prompt|message|note|instructions?))?\]/i,
  /(?:^|\n)#{1,6} {0,4}(?:system|assistant|developer|instructions?|new instructions)\s{0,4}:/i,
];

/** A run that is long enough to say something, and shorter than a digest in hex. */
const base64Runs = /[A-Za-z0-9+/_-]{60,}/g;
const longHex = /(?:[0-9a-f]{2}){65,}/i;
/** How often neighbours are of different kinds: in Base64 about two times of three, in words and paths one of three at most. */
const base64Changes = 0.45;

/** What the form of a text keeps out of sight. `look` is the same text with what looks like ASCII as ASCII. */
export function reviewLayout(text: string, look: string): readonly TextFinding[] {
  return [...reviewSpace(text), ...reviewMarkup(look), ...reviewBlobs(text)];
}

function reviewSpace(text: string): readonly TextFinding[] {
  const at = afterWideSpace(text) ?? afterIdleLines(text);
  if (at === undefined) return [];
  const message =
    'Text stands so far below or beside the rest that nobody sees it; the excerpt is that text.';
  return [{ kind: 'out-of-sight', message, excerpt: excerptAt(text, at) }];
}

function afterWideSpace(text: string): number | undefined {
  for (const { 0: run, index } of text.matchAll(blanks)) {
    const end = index + run.length;
    if (end === text.length) continue;
    const lines = run.split('\n');
    const columns = Math.max(...lines.slice(0, 2 * blankLines).map(widthOf));
    if (lines.length > blankLines || columns >= blankColumns) return end;
  }
  return undefined;
}

function widthOf(line: string): number {
  return line.length + (tabColumns - 1) * (line.split('\t').length - 1);
}

function afterIdleLines(text: string): number | undefined {
  let idle = 0;
  let at = 0;
  for (const line of text.split('\n')) {
    const says = /[\p{L}\p{N}]/u.test(line);
    if (says && idle >= idleLines) return at;
    idle = says ? 0 : idle + 1;
    at += line.length + 1;
  }
  return undefined;
}

function reviewMarkup(look: string): readonly TextFinding[] {
  const comment = look.indexOf('<!--');
  const tag = pseudoTags.map((pattern) => look.search(pattern)).find((at) => at >= 0);
  return [
    ...(comment < 0
      ? []
      : [
          {
            kind: 'html-comment' as const,
            message: 'Holds an HTML comment: whoever renders it does not show it.',
            excerpt: excerptAt(look, comment),
          },
        ]),
    ...(tag === undefined
      ? []
      : [
          {
            kind: 'pseudo-tag' as const,
            message: 'Holds a tag that gives what follows a weight it does not have.',
            excerpt: excerptAt(look, tag),
          },
        ]),
  ];
}

function reviewBlobs(text: string): readonly TextFinding[] {
  const base64 = [...text.matchAll(base64Runs)].find(({ 0: run }) => isBase64(run))?.index;
  const hex = text.search(longHex);
  const at = base64 ?? (hex < 0 ? undefined : hex);
  if (at === undefined) return [];
  const message = 'Holds encoded data, in which anything could be said.';
  return [{ kind: 'encoded-blob', message, excerpt: excerptAt(text, at) }];
}

function isBase64(run: string): boolean {
  const kinds = Array.from(run, kindOf);
  const changes = kinds.filter((kind, at) => at > 0 && kind !== kinds[at - 1]).length;
  return new Set(kinds).size >= 3 && changes / run.length >= base64Changes;
}

function kindOf(character: string): number {
  if (character >= 'a' && character <= 'z') return 0;
  if (character >= 'A' && character <= 'Z') return 1;
  return character >= '0' && character <= '9' ? 2 : 3;
}
