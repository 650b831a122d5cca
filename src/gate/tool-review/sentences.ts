import { findingKinds, type FindingKind, type TextFinding } from './finding.ts';
import { phrases } from './phrases.ts';
import { excerptAt } from './visible.ts';

const messages: Readonly<Partial<Record<FindingKind, string>>> = {
  'overrides-instructions': 'Tells the model to set aside what it was told by others.',
  'hides-from-person': 'Tells the model to keep something from the person.',
  'secret-file': 'Names a file in which secrets are kept.',
  'asks-for-secrets': 'Asks the model for secrets, or for what was said to it.',
  'steers-other-tools': 'Tells the model how to use other tools.',
  'addresses-model': 'Speaks to the model instead of describing a tool.',
};

/** Where secrets are, as their paths are written. */
const secretFiles =
  /\.ssh\/|\bid_(?:rsa|dsa|ecdsa|ed25519)\b|\/etc\/(?:passwd|shadow|sudoers)\b|\.aws\/credentials|\.config\/gcloud|\.kube\/config|\.netrc\b|\.git-credentials|\.cursor\/mcp\.json|claude_desktop_config\.json|\.claude\.json|\.docker\/config\.json|\blogin keychain\b|wallet\.dat\b|\/proc\/self\/environ|\.gnupg\//i;

/** Orders where words are not set apart: Chinese and Japanese. */
const unspaced: readonly (readonly [FindingKind, RegExp])[] = [
  [
    'overrides-instructions',
    /(?:忽略|無視|无视|忘记).{0,12}(?:指示|指令|规则|說明|说明)|(?:指示|命令|ルール).{0,4}無視/u,
  ],
  [
    'hides-from-person',
    /(?:不要|请勿|别|別).{0,4}(?:告诉|告訴|告知|提及).{0,6}(?:用户|用戶|使用者)|ユーザー.{0,6}(?:知らせない|言わない|教えない)/u,
  ],
];

/** A word, or what separates two sentences: a phrase does not reach beyond it. */
const tokens = /[\p{L}\p{N}]+(?:['’ʼ]\p{L}+)*|[.!?;](?=\s|$)|\n\s{0,8}(?:[-*•]|\d{1,2}[.)]|\n)/gu;
const boundary = '.';

interface Word {
  readonly text: string;
  readonly at: number;
}

type Accepts = (word: string) => boolean;

interface Step {
  /** How many words may stand before it. */
  readonly within: number;
  readonly accepts: Accepts;
}

interface Compiled {
  readonly kind: FindingKind;
  readonly rest: readonly Step[];
}

const byFirstWord = compilePhrases();

/** Sentences that no description of a tool needs. `look` is the text with what looks like ASCII as ASCII. */
export function reviewSentences(look: string): readonly TextFinding[] {
  const found = new Map<FindingKind, TextFinding>();
  const file = look.search(secretFiles);
  if (file >= 0) {
    found.set('secret-file', findingOf('secret-file', look, file));
  }
  for (const [kind, pattern] of unspaced) {
    const at = look.search(pattern);
    if (at >= 0) found.set(kind, findingOf(kind, look, at));
  }
  const words = wordsOf(look);
  words.forEach(({ text, at }, index) => {
    for (const { kind, rest } of byFirstWord.get(text) ?? []) {
      if (found.has(kind) || !continues(words, index, rest)) continue;
      found.set(kind, findingOf(kind, look, at));
    }
  });
  return [...found.values()];
}

function findingOf(kind: FindingKind, look: string, at: number): TextFinding {
  return { kind, message: messages[kind] ?? '', excerpt: excerptAt(look, at) };
}

/** In small letters, without apostrophes; `snake_case` and `camelCase` are several words. */
function wordsOf(look: string): readonly Word[] {
  const words: Word[] = [];
  for (const { 0: token, index: at } of look.matchAll(tokens)) {
    if (!/^[\p{L}\p{N}]/u.test(token)) words.push({ text: boundary, at });
    else
      for (const part of token.split(/(?<=\p{Ll})(?=\p{Lu})/u))
        words.push({ text: part.replaceAll(/['’ʼ]/g, '').toLowerCase(), at });
  }
  return words;
}

/** Whether the words after `start` go on as a phrase does. What is kept of each step is at most its reach: a few places. */
function continues(words: readonly Word[], start: number, rest: readonly Step[]): boolean {
  let ends = new Set([start]);
  for (const { within, accepts } of rest) {
    const next = new Set<number>();
    for (const end of ends) {
      for (let at = end + 1; at <= end + 1 + within; at += 1) {
        const word = words[at]?.text ?? boundary;
        if (word === boundary) break;
        if (accepts(word)) next.add(at);
      }
    }
    if (next.size === 0) return false;
    ends = next;
  }
  return true;
}

function compilePhrases(): ReadonlyMap<string, readonly Compiled[]> {
  const compiled = new Map<string, Compiled[]>();
  for (const kind of findingKinds) {
    for (const phrase of phrases[kind] ?? []) {
      const [first = '', ...rest] = phrase.split(' ');
      const steps = stepsOf(rest);
      for (const word of first.split('|'))
        compiled.set(word, [...(compiled.get(word) ?? []), { kind, rest: steps }]);
    }
  }
  return compiled;
}

/** Gap, word, gap, word. */
function stepsOf(rest: readonly string[]): readonly Step[] {
  const steps: Step[] = [];
  for (let at = 0; at < rest.length; at += 2)
    steps.push({ within: Number(rest[at]), accepts: acceptsOf(rest[at + 1] ?? '') });
  return steps;
}

function acceptsOf(words: string): Accepts {
  const isNot = words.startsWith('!');
  const set = new Set(words.slice(isNot ? 1 : 0).split('|'));
  return (word) => set.has(word) !== isNot;
}
