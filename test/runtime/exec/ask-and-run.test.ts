import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/call/sha256.ts';
import type { GateClient, GateDecision } from '../../../src/client/gate-client.ts';
import type { CallEnvelopes, Denial } from '../../../src/gate/gate.ts';
import { askAndRun } from '../../../src/runtime/exec/exec-elsewhere.ts';
import type { PreparedCommand } from '../../../src/runtime/exec/prepare.ts';
import { payloadOf, type CommandArguments } from '../../../src/targets/command-arguments.ts';

const callId = '019f4a5e-3f0b-7c61-9d5d-2f4b8c7d9e10';
const verdict: CallEnvelopes = { verdict: '{}', openings: { params: '', action: '', arguments: {} } };
const unreachable: Denial = { code: 'GATE_UNREACHABLE', message: 'Nobody answers.', retryable: true };
const allow: GateDecision = {
  decision: 'ALLOW',
  callId,
  permit: { handle: 'h', settleBy: 0 },
  lasts: 60_000,
  envelopes: verdict,
};

const given: CommandArguments = {
  command: process.execPath,
  argv: ['node', '--version'],
  cwd: process.cwd(),
  env: {},
  secrets: {},
  stdin: { kind: 'none' },
};
const prepared: PreparedCommand = {
  server: { name: 'version', digest: '' },
  tool: 'exec',
  definition: {},
  given,
  payload: payloadOf(given),
  identity: '',
  secrets: {},
  stdin: utf8(''),
};

function asking(decide: GateClient['decide'], signal = new AbortController().signal) {
  const written: unknown[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      written.push(chunk);
      done();
    },
  });
  const hands = { secrets: {}, stdin: utf8(''), stdout: sink, stderr: sink };
  const report = () => Promise.resolve({ kind: 'unsettled', denial: unreachable } as const);
  return { written, ended: askAndRun({ decide, report }, prepared, hands, { signal }) };
}

describe('a command that a gate elsewhere decides on', () => {
  it('was allowed though it was cancelled before it began, and though the gate cannot be told', async () => {
    const cancel = new AbortController();
    const { ended, written } = asking(() => {
      cancel.abort();
      return Promise.resolve(allow);
    }, cancel.signal);
    const { decision, denial, end, evidence } = await ended;
    expect({ decision, code: denial?.code, end, written }).toEqual({
      decision: 'ALLOW',
      code: 'CALLER_CANCELLED',
      end: undefined,
      written: [],
    });
    expect(evidence).toBeDefined();
  });

  it('was denied where the gate signed a denial, and decided by nobody where nothing is signed', async () => {
    const denied = { decision: 'DENY', callId, denial: unreachable } as const;
    const signed = await asking(() => Promise.resolve({ ...denied, envelopes: verdict })).ended;
    const silent = await asking(() => Promise.resolve(denied)).ended;
    expect([signed.decision, silent.decision]).toEqual(['DENY', undefined]);
  });

  it('was allowed and must not be repeated where it ran and the gate cannot be told', async () => {
    const { ended, written } = asking(() => Promise.resolve(allow));
    const { decision, denial, end } = await ended;
    expect({ decision, code: denial?.code, kind: end?.kind }).toEqual({
      decision: 'ALLOW',
      code: 'OUTCOME_UNRECORDED',
      kind: 'ended',
    });
    expect(String(written[0])).toContain(process.version);
  });
});
