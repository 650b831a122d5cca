import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asciiLook, isOneEdit, lookOf } from '../../../src/gate/tool-review/look.ts';
import { named, review, told } from './review.ts';

describe('a name that looks like another one is found', () => {
  it.each([
    ['Cyrillic letters', 'reаd_file'],
    ['Greek letters', 'reαd_file'],
    ['full-width letters', 'ｒｅａｄ_ｆｉｌｅ'],
    ['mathematical letters', '𝗿𝗲𝗮𝗱_𝗳𝗶𝗹𝗲'],
    ['capitals', 'Read_File'],
    ['another separator', 'read-file'],
    ['no separator', 'readfile'],
    ['a dot', 'read.file'],
    ['a digit for a letter', 'read_fi1e'],
    ['a capital I for l', 'read_fiIe'],
    ['something invisible', 'read\u200b_file'],
    ['an invisible tag', 'read_file\u{e0041}'],
  ])('%s', (_, name) => {
    expect(told(named({ files: ['read_file'], other: [name] }))).toEqual(
      expect.arrayContaining(['look-alike files/read_file', `look-alike other/${name}`]),
    );
  });

  it.each([
    ['o and 0', 'files_ro', 'files_r0'],
    ['rn and m', 'form_fill', 'forrn_fill'],
    ['vv and w', 'view_all', 'vievv_all'],
  ])('%s', (_, a, b) => {
    expect(told(named({ one: [a], two: [b] }))).toEqual([`look-alike one/${a}`, `look-alike two/${b}`]);
  });

  it('also among the names of servers', () => {
    expect(told(named({ github: [], gìthub: [], githսb: [] }))).toContain('look-alike githսb');
    expect(told(named({ github: [], 'git-hub': [] }))).toEqual(['look-alike github', 'look-alike git-hub']);
    expect(told(named({ github: [], githuub: [] }))).toEqual(['near-name github', 'near-name githuub']);
  });

  it('on one server only where letters of another script make the difference', () => {
    expect(told(named({ files: ['read_file', 'readFile'] }))).toEqual([]);
    expect(told(named({ files: ['read_file', 'reаd_file'] }))).toEqual([
      'look-alike files/read_file',
      'look-alike files/reаd_file',
    ]);
  });
});

describe('a name that is one character away is found', () => {
  it.each([
    ['one more', 'send_email', 'send_emails'],
    ['one less', 'send_email', 'send_emal'],
    ['another one', 'send_email', 'send_emaix'],
    ['two swapped', 'send_email', 'send_emial'],
    ['the first', 'send_email', 'fend_email'],
  ])('%s', (_, a, b) => {
    expect(told(named({ mail: [a], other: [b] }))).toEqual([`near-name mail/${a}`, `near-name other/${b}`]);
  });

  it('not among short names, on one server, or two characters away', () => {
    expect(told(named({ one: ['read'], two: ['reads'] }))).toEqual([]);
    expect(told(named({ one: ['send_email', 'send_emails'] }))).toEqual([]);
    expect(told(named({ one: ['list_issues'], two: ['list_images'] }))).toEqual([]);
    expect(told(named({ one: ['chapter_2'], two: ['chapter_3'] }))).toEqual([]);
  });
});

describe('a tool of the same name on two servers is found', () => {
  it('on both, with whose it is too', () => {
    expect(review(named({ one: ['search'], two: ['search'], three: ['find'] }))).toMatchObject([
      { kind: 'same-name', server: 'one', tool: 'search', others: [{ server: 'two', tool: 'search' }] },
      { kind: 'same-name', server: 'two', tool: 'search', others: [{ server: 'one', tool: 'search' }] },
    ]);
  });

  it('whatever objects have by themselves is a name like others', () => {
    const names = ['__proto__', 'constructor', 'toString'];
    expect(told(named({ one: names, two: names }))).toHaveLength(6);
  });
});

describe('a description that names a tool of another server is found', () => {
  const mentioned = (description: string, own: readonly string[] = []): readonly string[] =>
    told({
      mail: [{ name: 'send_email' }, { name: 'search' }],
      evil: [{ name: 'add', description }, ...own.map((name) => ({ name }))],
    }).filter((each) => each.startsWith('names-other-tool'));

  it.each([
    'After send_email, log it.',
    'Better than `search`.',
    'Use the search tool for that.',
    'Calls mail/search first.',
    'Calls mcp__mail__search first.',
    'After SEND_EMAIL, log it.',
    'After sеnd_email, log it.',
    'After (send_email), log it.',
  ])('%s', (description) => expect(mentioned(description)).toEqual(['names-other-tool evil/add']));

  it.each(['You can search for anything.', 'A full-text search.', 'Searches mail.', 'resend_emails'])(
    'but not in: %s',
    (description) => expect(mentioned(description)).toEqual([]),
  );

  it('but not where its own server has a tool of that name', () => {
    expect(mentioned('After send_email, log it.', ['send_email'])).toEqual([]);
  });
});

describe('what names look like', () => {
  it('is found by looking at ASCII alone where there is nothing else', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), (text) => {
        expect(asciiLook(text)).toBe(text);
      }),
    );
  });

  it('is the same for what was folded already', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(lookOf(asciiLook(text))).toBe(lookOf(text));
      }),
    );
  });

  it('one edit is one edit, in both directions', () => {
    const edited = fc
      .tuple(fc.string({ minLength: 1 }), fc.nat(), fc.string({ minLength: 1, maxLength: 1 }))
      .map(
        ([text, at, put]) =>
          [text, text.slice(0, at % text.length) + put + text.slice((at % text.length) + 1)] as const,
      );
    fc.assert(
      fc.property(edited, ([a, b]) => {
        expect(isOneEdit(a, b)).toBe(a !== b);
        expect(isOneEdit(b, a)).toBe(a !== b);
      }),
    );
  });
});
