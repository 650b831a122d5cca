import { ClientNotificationSchema, ClientRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it } from 'vitest';
import type { RelayPattern } from '../../../src/gateway/mcp/methods.ts';
import { isCallMethod, methodStanding, relayPattern } from '../../../src/gateway/mcp/methods.ts';

const opened = (...sources: string[]): RelayPattern[] => sources.map((source) => relayPattern(source)!);
const everything = opened('*');

describe('the standing of a method', () => {
  it.each([
    'tools/call',
    'resources/read',
    'resources/directory/read',
    'resources/subscribe',
    'prompts/get',
    'completion/complete',
    'subscriptions/listen',
  ])('%s is a call, whatever was opened', (method) => {
    expect(methodStanding(method, [])).toBe('call');
    expect(methodStanding(method, everything)).toBe('call');
    expect(isCallMethod(method)).toBe(true);
  });

  it('is known for everything that the SDK of 2025-11-25 lets a client send', () => {
    const methods = [...ClientRequestSchema.options, ...ClientNotificationSchema.options].map(
      (option) => option.shape.method.value,
    );
    expect(methods.length).toBeGreaterThan(20);
    for (const method of methods)
      expect([method, methodStanding(method, [])]).not.toEqual([method, 'refused']);
  });

  it.each(['server/discover', 'tasks/update', 'tools/list', 'ping', 'notifications/cancelled'])(
    '%s relays',
    (method) => {
      expect(methodStanding(method, [])).toBe('relay');
    },
  );

  it.each([
    '',
    'x',
    'tools',
    'tools/call/',
    'tools/execute',
    'rpc.discover',
    'toString',
    '__proto__',
    'TOOLS/LIST',
  ])('%j is refused', (method) => {
    expect(methodStanding(method, [])).toBe('refused');
  });

  it('is relayed where the operator opened it', () => {
    expect(methodStanding('acme/list', opened('acme/*'))).toBe('relay');
    expect(methodStanding('acme', opened('acme/*'))).toBe('refused');
    expect(methodStanding('other/list', opened('acme/*', 'other/list'))).toBe('relay');
  });

  it.each([
    'Tools/Call',
    'tools/CALL',
    'tool\u017f/call',
    'tools/call ',
    ' tools/call',
    'tools/call\0',
    'tools/call\n',
    'tools\u200b/call',
    'tools\uff0fcall',
    '\u{1d42d}ools/call',
    'RESOURCES/read',
  ])('%j is refused whatever was opened: a lenient server may take it for a call', (method) => {
    expect(methodStanding(method, everything)).toBe('refused');
  });
});

describe('a pattern', () => {
  it.each([
    ['a', 'a', true],
    ['a', 'ab', false],
    ['*', 'anything/at/all', true],
    ['a*', 'a', true],
    ['a*', 'ba', false],
    ['*a', 'bca', true],
    ['a*c', 'abc', true],
    ['a*c', 'ac', true],
    ['ab*ba', 'aba', false],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'a-c-b', false],
    ['**', 'x', true],
    ['a.c', 'abc', false],
    ['a+', 'aa', false],
  ])('%s on %s: %s', (source, method, matches) => {
    expect(relayPattern(source)!.matches(method)).toBe(matches);
  });

  it.each(['', ' ', 'a b', 'ä', 'a\n'])('%j is none', (source) => {
    expect(relayPattern(source)).toBeUndefined();
  });

  it('takes no longer for a method made to slow it down', () => {
    const pattern = relayPattern(`${'*a'.repeat(40)}b`)!;
    expect(pattern.matches('a'.repeat(100_000))).toBe(false);
  });
});
