import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePolicy } from '../../../src/policy/compile.ts';
import {
  afterAllow,
  emptyHistory,
  encodeHistory,
  historyHorizon,
  historyLimits,
  historyRoot,
  parseHistory,
  type History,
} from '../../../src/policy/flow/history.ts';
import { CountersignError } from '../../../src/errors.ts';
import { anyText, labelled, sensitive, trusted, untrusted } from './labels.ts';

function codeOf(work: () => unknown): string | undefined {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof CountersignError) return thrown.code;
    throw thrown;
  }
  return undefined;
}

const start = 1_800_000_000_000;
const safe = labelled('json', trusted);

function tool(name: string): { server: string; name: string } {
  return { server: 's', name };
}

function calledOften(names: readonly string[]): History {
  return names.reduce(
    (history, name, index) => afterAllow(history, tool(name), safe, start + index),
    emptyHistory,
  );
}

function decided(history: History, when: string): string {
  const text = `version: 1\nname: a\nrules:\n  - { id: r, effect: allow, tools: ['s/x'], when: '${when}' }\n`;
  return compilePolicy([{ name: 'a.yaml', text }]).decide({
    agent: {},
    session: {},
    tool: { server: 's', name: 'x' },
    args: {},
    history: historyRoot(history, start),
    now: new Date(start).toISOString(),
  }).code;
}

describe('an attacker', () => {
  it('is not washed clean by a trusted read, nor by a clock that was set back', () => {
    const read = afterAllow(emptyHistory, tool('web'), labelled('text', untrusted), start);
    const after = afterAllow(read, tool('time'), safe, start - 1_000_000);
    expect(historyRoot(after, start)).toMatchObject({ untrusted: true, sensitive: false });
    expect(historyRoot(after, 0)).toMatchObject({ untrusted: true });
  });

  it('taints by any field', () => {
    const label = labelled('json', trusted, { '/body': untrusted, '/key': { ...sensitive, trusted: true } });
    expect(historyRoot(afterAllow(emptyHistory, tool('a'), label, start), start)).toMatchObject({
      untrusted: true,
      sensitive: true,
    });
  });

  it('cannot push a tool out by calling many others: what finds no room is not known', () => {
    const names = Array.from({ length: historyLimits.tools + 40 }, (_, index) => `t${index}`);
    const history = calledOften(['first', ...names, 'first', 'x']);
    expect(decided(history, 'called("s/first") == 2')).toBe('RULE_ALLOWS');
    expect(decided(history, 'called("s/x") >= 0')).toBe('POLICY_ERROR');
    expect(decided(history, 'called("s/*") >= 0')).toBe('POLICY_ERROR');
    expect(encodeHistory(history).length).toBeLessThan(historyLimits.encoded);
  });

  it('is told no count that began after calls that had found no room', () => {
    const names = Array.from({ length: historyLimits.tools }, (_, index) => `t${index}`);
    const full = calledOften([...names, 'x', 'x']);
    // The first tools are past their time by now, the others are not.
    const after = afterAllow(full, tool('x'), safe, start + historyHorizon + 50);
    expect(decided(after, 'called("s/x") < 3')).toBe('POLICY_ERROR');
  });

  it('cannot make it long by long names', () => {
    const history = calledOften(['\u0001'.repeat(2_000), 'x'.repeat(10_000), '\ud800', 'y']);
    expect(encodeHistory(history).length).toBeLessThan(historyLimits.encoded);
    expect(historyRoot(history, start)['calls']).toMatchObject({ 's/y': 1, '*': 3 });
  });

  it('cannot name a tool after what objects inherit', () => {
    const history = calledOften(['__proto__', 'toString', 'toString']);
    expect(parseHistory(encodeHistory(history))).toEqual(history);
    expect(decided(history, 'called("s/toString") == 2 && called("s/constructor") == 0')).toBe('RULE_ALLOWS');
  });
});

describe('a history', () => {
  it('counts calls by tool', () => {
    const history = calledOften(['a', 'b', 'a']);
    expect(historyRoot(history, start)).toEqual({
      untrusted: false,
      sensitive: false,
      calls: { 's/a': 2, 's/b': 1 },
    });
    expect(decided(history, 'called("s/*") == 3 && called("s/a") == 2 && called("s/c") == 0')).toBe(
      'RULE_ALLOWS',
    );
  });

  it('forgets what was not heard of for its horizon', () => {
    const read = afterAllow(calledOften(['a']), tool('web'), labelled('text', sensitive), start);
    expect(historyRoot(read, start + historyHorizon)).toMatchObject({ untrusted: true, sensitive: true });
    expect(historyRoot(read, start + historyHorizon + 1)).toEqual({
      untrusted: false,
      sensitive: false,
      calls: {},
    });
  });

  it.each([
    '',
    'null',
    '{}',
    '{"calls":[]}',
    '{"calls":{"s/a":1}}',
    '{"calls":{"s/a":{"count":0,"last":1}}}',
    '{"calls":{"s/a":{"count":1,"last":1.5}}}',
    '{"calls":{}, "untrusted":1}',
    '{"calls":{},"untrusted":-1}',
    '{"calls":{},"more":1}',
  ])('is not read from %j', (text) => {
    expect(codeOf(() => parseHistory(text))).toBe('LEDGER_CORRUPT');
  });

  it('is not read when it is longer than one can be', () => {
    const times = '{"count":1,"last":1}';
    expect(codeOf(() => parseHistory(`{"calls":{"s/${'x'.repeat(historyLimits.encoded)}":${times}}}`))).toBe(
      'LEDGER_CORRUPT',
    );
  });

  it('is read back as it was written', () => {
    const call = fc.record({
      name: anyText,
      trusted: fc.boolean(),
      sensitive: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(call, { maxLength: 20 }), (calls) => {
        const history = calls.reduce(
          (before, { name, ...label }, index) =>
            afterAllow(before, tool(name), labelled('json', label), start + index),
          emptyHistory,
        );
        expect(parseHistory(encodeHistory(history))).toEqual(history);
      }),
      { numRuns: 40 },
    );
  });
});
