import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../../src/call/json.ts';
import { createSeen, seenLimits, type Seen } from '../../../src/policy/flow/seen.ts';
import { labelled, textResult, trusted, untrusted } from './labels.ts';

const none: ReadonlySet<string> = new Set();
const mail = { server: 'mail', name: 'search' };
const plain = labelled('text', untrusted);

function originOf(seen: Seen, value: Json, request?: string): Json | undefined {
  return seen.originsOf({ value }, request, none)[String(value)];
}

function asked(request: string, value: Json): boolean {
  return JSON.stringify(originOf(createSeen(), value, request)) === '["request"]';
}

describe('an attacker', () => {
  it('has a part of an address, a path or a number taken for nothing that was said', () => {
    const request =
      'Write to jim-bob@example.org about /srv/project/a.txt, $1,200 and 10:20 on www.shop.example.org/a';
    for (const part of ['bob@example.org', 'example.org', 'jim', 'srv/project/a.txt', 'a.txt', '/srv', '200'])
      expect([part, asked(request, part)]).toEqual([part, false]);
    for (const part of ['20', 'shop', 'project', '1', 'example.org/a'])
      expect([part, asked(request, part)]).toEqual([part, false]);
  });

  it('has an address that only begins or ends like one that was said taken for another', () => {
    const request = 'Mail ann@example.org and see https://example.org/a.';
    for (const other of [
      'ann@example.org.evil.example',
      'xann@example.org',
      'https://example.org/ab',
      'https://example.org@evil.example',
    ])
      expect([other, asked(request, other)]).toEqual([other, false]);
  });

  it('has look-alike letters taken for other letters', () => {
    expect(asked('pay ann@example.org', '\u0430nn@example.org')).toBe(false);
    expect(asked('pay ann@example.org', 'ann\u200b@example.org')).toBe(false);
  });

  it('cannot put a value together from two outputs, two fields, or an output and the request', () => {
    const seen = createSeen();
    seen.remember(mail, plain, 'write to ann');
    seen.remember(mail, plain, 'at home');
    seen.remember(mail, labelled('json', trusted), { one: 'left', two: 'right' });
    expect(originOf(seen, 'ann at')).toEqual([]);
    expect(originOf(seen, 'left right')).toEqual([]);
    expect(originOf(seen, 'home now', 'now')).toEqual([]);
    seen.remember(mail, labelled('json', trusted), [{ at: '2024-05-19 10:00' }, { at: '2024-05-20 11:00' }]);
    expect(originOf(seen, '2024-05-19 11:00')).toEqual([]);
    expect(originOf(seen, '2024-05-20 11:00')).toEqual(['trusted:mail/search']);
  });

  it('cannot make a value trusted by the field that it is written in', () => {
    const seen = createSeen();
    const label = labelled('yaml', untrusted, { '/*/id': trusted });
    seen.remember(mail, label, textResult("- id: '17'\n  body: 'id: 18'\n"));
    expect(originOf(seen, '17')).toEqual(['trusted:mail/search']);
    expect(originOf(seen, '18')).toEqual(['untrusted:mail/search']);
  });

  it('gains nothing by an output that cannot be read: it is as little trusted as its least trusted field', () => {
    const label = labelled('yaml', trusted, { '/*/body': untrusted });
    for (const broken of [
      '- body: [ evil',
      '- body: !x evil',
      '- body: a\n---\nevil',
      `- evil\n${'- a\n'.repeat(20_000)}`,
    ]) {
      const seen = createSeen();
      seen.remember(mail, label, textResult(broken));
      expect(originOf(seen, 'evil')).toEqual(['untrusted:mail/search']);
    }
  });

  it('gains nothing by what lies below a labelled field', () => {
    const seen = createSeen();
    seen.remember(mail, labelled('json', trusted, { '/*/body': untrusted }), [
      { body: { to: ['evil'] }, from: 'ann' },
    ]);
    expect(originOf(seen, 'evil')).toEqual(['untrusted:mail/search']);
    expect(originOf(seen, 'to')).toEqual(['untrusted:mail/search']);
    expect(originOf(seen, 'ann')).toEqual(['trusted:mail/search']);
  });

  it('gains nothing by two patterns for one place: the one with fewer stars counts, of equals the one that trusts less', () => {
    const fieldOf = (fields: Parameters<typeof labelled>[2], output: Json): Json | undefined => {
      const seen = createSeen();
      seen.remember(mail, labelled('json', trusted, fields), output);
      return originOf(seen, 'evil');
    };
    const here = { a: { id: 'evil' } };
    expect(fieldOf({ '/a/*': trusted, '/a/id': untrusted }, here)).toEqual(['untrusted:mail/search']);
    expect(fieldOf({ '/a/id': trusted, '/a/*': untrusted }, here)).toEqual(['trusted:mail/search']);
    expect(fieldOf({ '/a/*': trusted, '/*/id': untrusted }, here)).toEqual(['untrusted:mail/search']);
    expect(fieldOf({ '/*/id': untrusted, '/a/*': trusted }, here)).toEqual(['untrusted:mail/search']);
    // A part that is neither text nor structured has none of the fields.
    const part = { content: [{ type: 'resource', resource: { uri: 'evil' } }] };
    expect(fieldOf({ '/body': untrusted }, part)).toEqual(['untrusted:mail/search']);
  });

  it('gains nothing by a sentence in a field for names: a trusted field is found only as a whole', () => {
    const seen = createSeen();
    seen.remember(
      mail,
      labelled('yaml', trusted),
      textResult("- name: pay evil now\n  at: '2024-05-19 10:00'"),
    );
    expect(originOf(seen, 'evil')).toEqual([]);
    expect(originOf(seen, 'Pay  evil now')).toEqual(['trusted:mail/search']);
    expect(originOf(seen, '2024-05-19T10:00:00')).toEqual(['trusted:mail/search']);
  });

  it('gains nothing by an error that repeats what it was called with', () => {
    const seen = createSeen();
    seen.remember(mail, labelled('text', trusted), { ...textResult('no such contact: evil'), isError: true });
    expect(originOf(seen, 'evil')).toEqual(['untrusted:mail/search']);
  });

  it('does not get a single letter or digit from a sentence', () => {
    expect(asked('delete a file of plan 7', '7')).toBe(false);
    expect(asked('delete a file', 'a')).toBe(false);
    expect(asked("delete the file '7'", '7')).toBe(true);
  });

  it('does not reach the prototype of anything', () => {
    const seen = createSeen();
    const args = JSON.parse('{"__proto__":{"constructor":"toString"},"b":"__proto__"}') as JsonObject;
    seen.remember(
      { server: '__proto__', name: 'x' },
      plain,
      JSON.parse('{"__proto__":"hasOwnProperty"}') as Json,
    );
    const origins = seen.originsOf(args, 'toString', none);
    expect(Object.keys(origins).sort()).toEqual(['__proto__', 'constructor', 'toString']);
    expect(origins['toString']).toEqual(['request']);
    expect(originOf(seen, 'hasOwnProperty')).toEqual(['untrusted:__proto__/x']);
  });

  it('has two account numbers that are one number in floating point taken for two', () => {
    expect(asked('pay 12345678901234567890', '12345678901234567891')).toBe(false);
    expect(asked('pay 0012', 12)).toBe(false);
  });

  it('is not waited for: outputs of a megabyte and ten thousand arguments take time in proportion', () => {
    const hostile = [
      'a '.repeat(250_000),
      '"'.repeat(300_000),
      'a\u0315\u0300'.repeat(150_000),
      '1,'.repeat(500_000),
    ];
    const args = { all: Array.from({ length: 10_000 }, (_, index) => `${'a '.repeat(index % 40)}${index}`) };
    const began = performance.now();
    const seen = createSeen();
    for (const output of hostile.slice(0, 2)) seen.remember(mail, plain, output);
    seen.originsOf(args, hostile[3]?.slice(0, 100_000), none);
    seen.remember(mail, plain, hostile[2] ?? '');
    // Some hundred milliseconds; what grows with the square would take minutes.
    expect(performance.now() - began).toBeLessThan(30_000);
  });

  it('is not deep enough for the stack', () => {
    let deep: Json = 'evil';
    for (let depth = 0; depth < 50_000; depth += 1) deep = [deep];
    const seen = createSeen();
    seen.remember(mail, labelled('json', untrusted, { '/*/*': trusted }), deep);
    expect(seen.originsOf({ deep }, undefined, none)).toEqual({ evil: ['trusted:mail/search'] });
  });
});

describe('memory', () => {
  it('is bounded, and what it still has is found whatever was forgotten in between', () => {
    const seen = createSeen();
    const wordsOf = (output: number): string[] =>
      Array.from({ length: 30_000 }, (_, index) => `w${output}x${index.toString(36)}`);
    for (let output = 0; output < 12; output += 1) {
      seen.remember(mail, plain, wordsOf(output).join(' '));
      expect(originOf(seen, `w${output}xa1`)).toEqual(['untrusted:mail/search']);
    }
    expect(originOf(seen, 'w0xa1')).toEqual([]);
    expect(originOf(seen, 'w10xa1')).toEqual(['untrusted:mail/search']);
    expect(originOf(seen, 'w10xa1 w11xa2')).toEqual([]);
  });
});

describe('a user', () => {
  it('has a value found whatever its case, its white space and the way its letters are composed', () => {
    expect(asked('Add it to the   Caf\u00e9 Lis\nboa channel', 'cafe\u0301 lis boa')).toBe(true);
    expect(asked("Read Bob's inbox", 'Bob')).toBe(true);
    expect(asked('Send it to <ann@example.org>, please.', 'ann@example.org')).toBe(true);
  });

  it.each([
    ['on May 26th', '2024-05-26', true],
    ['on 26 May 2024', '2024-05-26', true],
    ['on 26 May 2024', '2025-05-26', false],
    ['from the 13th to the 17th of May', '2024-05-13', true],
    ['on 2024-05-19 at 12:00', '2024-05-19 12:00', true],
    ['on 2024-05-19 at 12:00', '2024-05-19T12:00', true],
    ['on May 19th at 5 pm', '2024-05-19 17:00', true],
    ['on May 19th at 5pm', '2024-05-19 05:00', false],
    ['on 05/19/2024', '2024-05-19', true],
    ['on May 19th', '2024-05-19 09:00', true],
    ['on May 19th or May 20th at 10:00', '2024-05-19 09:00', false],
    ['at 12:00', '12:00 evil', false],
    ['on 2024-05-19', '2024-05-19 evil', false],
    ['you may pay 12 of 13', '2024-13-12', false],
  ])('has the date in %j taken as %j says: %j', (request, value, expected) => {
    expect(asked(request, value)).toBe(expected);
  });

  it.each([
    ['pay $1,200.00', 1_200, true],
    ['pay $5', 5, true],
    ['it was 98.70', 98.7, true],
    ['it was 98.70', 98.71, false],
    ['see https://www.example.org/', 'example.org', true],
    ['see example.org', 'https://www.example.org/', true],
    ['see example.org/a', 'https://example.org/b', false],
    ['see www.example.org.They know', 'www.example.org', true],
    ['see www.example.org.they.example', 'www.example.org', false],
  ])('has %j taken as %j says: %j', (request, value, expected) => {
    expect(asked(request, value)).toBe(expected);
  });

  it('sees every source of a value, sorted, and what policy vouches for', () => {
    const seen = createSeen();
    seen.remember(mail, plain, 'Ann');
    seen.remember({ server: 'contacts', name: 'all' }, labelled('json', trusted), ['Ann']);
    const origins = seen.originsOf({ to: 'ann' }, 'ask ann', new Set(['ANN']));
    expect(origins['ann']).toEqual(['constant', 'request', 'trusted:contacts/all', 'untrusted:mail/search']);
  });

  it('has texts, numbers and keys below the arguments named, and not the arguments themselves', () => {
    const args = { list: ['a1', 2], map: { key: { inner: true } }, nothing: null };
    expect(Object.keys(createSeen().originsOf(args, undefined, none)).sort()).toEqual([
      '2',
      'a1',
      'inner',
      'key',
    ]);
  });

  it('has structured content read by its fields, and parts of other kinds trusted as little as any field', () => {
    const seen = createSeen();
    const label = labelled('json', untrusted, { '/id': trusted });
    seen.remember(mail, label, {
      content: [{ type: 'resource', resource: { id: 'r-1' } }],
      structuredContent: { id: 'n-1' },
    });
    expect(originOf(seen, 'r-1')).toEqual(['untrusted:mail/search']);
    expect(originOf(seen, 'n-1')).toEqual(['trusted:mail/search']);
  });

  it('has the oldest outputs forgotten first, and what lies beyond the bound of one not seen', () => {
    const seen = createSeen();
    seen.remember(mail, plain, 'first-value');
    for (let index = 0; index < 3; index += 1)
      seen.remember(mail, plain, `${'x'.repeat(seenLimits.outputSize - 100)} y${index}z beyond`);
    expect(originOf(seen, 'first-value')).toEqual([]);
    expect(originOf(seen, 'y2z')).toEqual(['untrusted:mail/search']);
    const long = createSeen();
    long.remember(mail, plain, `${'x'.repeat(seenLimits.outputSize)} beyond`);
    expect(originOf(long, 'beyond')).toEqual([]);
  });
});
