import { expect, it } from 'vitest';
import { commit, newSalt } from '../../../src/call/commitment.ts';
import { hex, utf8 } from '../../../src/call/sha256.ts';
import type { LogEntry, SideRow } from '../../../src/ledger/ledger.ts';
import { recordedCall } from '../../../src/runtime/policy/recorded-call.ts';
import { recordedEffect } from '../../../src/runtime/policy/effect.ts';

const none = new Uint8Array();

function allowOf(predicate: object): LogEntry {
  const stated = { verdict: 'ALLOW', reason: { code: 'RULE_ALLOWS' }, ...predicate };
  const payload = utf8(JSON.stringify({ predicate: stated }));
  return { index: 0, kind: 'allow', callId: 'a', time: 0, leaf: none, payload, timestamp: none };
}

it.each([
  [[], 'allow'],
  [[{ type: 'rate' }], 'allow'],
  [[{ type: 'approval' }], 'ask'],
  [[{ type: 'confirm' }], 'ask'],
])('an allow that demanded %j was: %s', (obligations, effect) => {
  const call = recordedCall(allowOf({ obligations }), []);
  expect(call && recordedEffect(call)).toBe(effect);
});

it('an input is believed with the salt and the bytes that were signed, and with no others', () => {
  const [salt, value] = [newSalt(), utf8('{"args":{}}')];
  const entry = allowOf({ input: { commitment: { sha256: hex(commit(salt, value)) } } });
  const stateOf = (...side: readonly SideRow[]): string | undefined => recordedCall(entry, side)?.input.state;
  expect(stateOf({ name: 'input', salt, value })).toBe('kept');
  expect(stateOf({ name: 'input', salt: newSalt(), value })).toBe('changed');
  expect(stateOf({ name: 'input', salt: salt.subarray(1), value })).toBe('changed');
  expect(stateOf({ name: 'input', salt: none, value })).toBe('changed');
  expect(stateOf({ name: 'input', salt })).toBe('not-kept');
});
