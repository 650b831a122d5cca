import { expect, it } from 'vitest';
import { commit, newSalt } from '../../../src/call/commitment.ts';
import { hex, utf8 } from '../../../src/call/sha256.ts';
import type { Ledger, LogEntry } from '../../../src/ledger/ledger.ts';
import { suggestFromLog } from '../../../src/runtime/policy/suggest-log.ts';
import { agentOnly } from '../../policy/support/inputs.ts';

type Kind = 'allow' | 'deny' | 'shadow';

/** A log of one verdict, whose input is kept. */
function logOf(kind: Kind, code: string): Pick<Ledger, 'checkpoint' | 'entries' | 'side'> {
  const [salt, value, none] = [newSalt(), utf8(JSON.stringify(agentOnly)), new Uint8Array()];
  const input = { commitment: { sha256: hex(commit(salt, value)) } };
  const payload = utf8(JSON.stringify({ predicate: { reason: { code }, input } }));
  const entry: LogEntry = { index: 0, kind, callId: 'a', time: 0, leaf: none, payload, timestamp: none };
  return {
    checkpoint: () => Promise.resolve({ size: 1, text: '' }),
    entries: () => Promise.resolve([entry]),
    side: () => Promise.resolve([{ name: 'input', salt, value }]),
  };
}

it.each<readonly [Kind, string, boolean, object]>([
  ['shadow', 'RULE_ALLOWS', false, { from: 1 }],
  ['shadow', 'NO_RULE_ALLOWS', false, { from: 1 }],
  ['shadow', 'RULE_DENIES', false, { from: 0, leftOut: { denied: 1 } }],
  ['shadow', 'POLICY_ERROR', false, { from: 0, leftOut: { failed: 1 } }],
  ['shadow', 'HUMAN_MISSING', true, { from: 0, leftOut: { failed: 1 } }],
  ['deny', 'RULE_DENIES', true, { from: 0, leftOut: { denied: 1 } }],
  ['deny', 'NO_RULE_ALLOWS', false, { from: 0, leftOut: { denied: 0, failed: 0 } }],
  ['deny', 'NO_RULE_ALLOWS', true, { from: 1 }],
  ['deny', 'APPROVAL_REFUSED', true, { from: 0 }],
  ['deny', 'TOOL_CHANGED', true, { from: 0 }],
  ['allow', 'RULE_ALLOWS', true, { from: 0 }],
])('%s %s, with --denied %s', async (kind, code, denied, found) => {
  const options = { name: 'suggested', least: 3, denied };
  expect(await suggestFromLog(logOf(kind, code), options)).toMatchObject(found);
});
