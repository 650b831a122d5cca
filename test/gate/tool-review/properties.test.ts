import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findingKinds } from '../../../src/gate/tool-review/finding.ts';
import { phrases } from '../../../src/gate/tool-review/phrases.ts';
import { reviewTools } from '../../../src/gate/tool-review/review-tools.ts';
import { visible } from '../../../src/gate/tool-review/visible.ts';
import { review } from './review.ts';

const word = fc.constantFrom(
  ...Object.values(phrases).flatMap((each) => each.flatMap((phrase) => phrase.split(/[ |]/))),
);
const sign = fc.constantFrom(
  '\u200b',
  '\u{e0041}',
  '\ufe0f',
  '\u202e',
  '\u001b',
  '<',
  '<!--',
  '\n',
  '. ',
  '`',
  '/',
  '\ud800',
);
const text = fc.array(fc.oneof(word, sign, fc.string({ unit: 'binary' }))).map((parts) => parts.join(' '));

describe('the phrases', () => {
  it('are words in small letters, a number between each two of them', () => {
    const words = '!?[\\p{Ll}\\d]+(?:\\|[\\p{Ll}\\d]+)*';
    const form = new RegExp(`^${words}(?: \\d{1,2} ${words})*$`, 'u');
    for (const phrase of Object.values(phrases).flat()) expect(phrase).toMatch(form);
  });
});

describe('the review is total', () => {
  it('whatever bytes a definition is', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (definition) => {
        reviewTools([{ name: 'server', tools: [{ name: 'tool', definition }] }]);
      }),
    );
  });

  it('whatever a definition says, and tells nothing unseen', () => {
    fc.assert(
      fc.property(text, text, fc.jsonValue(), (name, description, other) => {
        for (const { kind, excerpt = '' } of review({
          a: [{ name, description, other }],
          b: [{ name: 'x' }],
        })) {
          expect(findingKinds).toContain(kind);
          expect(visible(excerpt)).toBe(excerpt);
          expect([...excerpt].length).toBeLessThanOrEqual(80);
        }
      }),
    );
  });
});

/** Each made so that one of the patterns begins again at every place, or goes on as far as it may. */
const hostile: readonly (readonly [title: string, unit: string])[] = [
  ['words that begin a phrase', 'ignore '],
  ['words that go on with one', 'do not never tell '],
  ['words that fit every step', 'read and pass include send all your '],
  ['spaces', ' '],
  ['line ends', '\n'],
  ['line ends with a dot', '.\n'],
  ['open tags', '<system '],
  ['open angle brackets', '<'],
  ['open comments', '<!-'],
  ['letters', 'a'],
  ['letters and digits', 'aB3'],
  ['hexadecimal', '0f '],
  ['names', 'a-b.c/d:'],
  ['apostrophes', 'a’'],
  ['joiners', 'क\u200d'],
  ['selectors', '❤\ufe0f\ufe0f'],
  ['tags', '\u{1f3f4}\u{e0067}'],
  ['regional indicators', '🇩'],
  ['combining marks', '\u0301'],
  ['Cyrillic', 'а'],
  ['headings', '\n#'],
  ['bars', '<|a'],
  ['camel case', 'aA'],
  ['double underscores', 'mcp__'],
];

describe('the review takes time that grows with the length', () => {
  const time = (unit: string, length: number): number => {
    const description = unit.repeat(Math.ceil(length / unit.length));
    const start = performance.now();
    review({ server: [{ name: 'tool', description }], other: [{ name: 'mail_send' }] });
    return performance.now() - start;
  };

  it.each(hostile)('%s', (_, unit) => {
    // Tens of milliseconds; a square would take many seconds. So there is room for a machine that is busy.
    expect(time(unit, 40_000)).toBeLessThan(2_000);
  });

  it('thousands of names that are almost the same', () => {
    const tools = (server: string) =>
      Array.from({ length: 400 }, (_, at) => ({
        name: `tool_name_${at.toString(36)}`,
        description: server,
      }));
    const start = performance.now();
    review({ one: tools('one'), two: tools('two') });
    expect(performance.now() - start).toBeLessThan(2_000);
  });

  it('thousands of names that look the same', () => {
    const cased = (name: string) =>
      Array.from({ length: 4_000 }, (_, at) => ({
        name: Array.from(name, (letter, bit) => ((at >> bit) & 1 ? letter.toUpperCase() : letter)).join(''),
      }));
    const start = performance.now();
    const found = review({ one: cased('abcdefghjkmn'), two: cased('abcdefghjkmx') });
    // A square takes a minute.
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(found.filter(({ kind }) => kind === 'near-name')).toHaveLength(8_000);
    expect(found.every(({ others = [] }) => others.length === 8)).toBe(true);
  });
});
