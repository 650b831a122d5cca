import { fromBase64, fromUtf8, hex } from '../call/bytes.ts';
import { commit, saltLength } from '../call/commitment.ts';
import type { Json, JsonObject } from '../call/json.ts';
import { CountersignError } from '../errors.ts';
import type { Delegated } from '../gate/gate.ts';
import { predicateTypes } from '../names.ts';
import type { ToolCall } from './gate-client.ts';

/** What was asked, as it was sent. */
export interface Asked {
  readonly callId: string;
  readonly call: ToolCall;
  readonly request: Uint8Array;
}

/**
 * Whether an ALLOW is about exactly what was asked: its id, tool and time, and the bytes of the request, which open its
 * commitment. A proxy that mixes two answers up, or a gate that decided on something else, ends here. Whether the signature
 * holds is for `verifyInputs` to say: a caller trusts the gate that it asks.
 *
 * @returns how many milliseconds the permit lasts from the verdict on.
 * @throws CountersignError `GATE_ANSWER_INVALID`, with what does not fit.
 */
export function requireBound(
  { callId, call, request }: Asked,
  { permit, envelopes }: Extract<Delegated, { kind: 'delegated' }>,
): number {
  const { predicateType, predicate } = statementOf(envelopes.verdict);
  const expect = (holds: boolean, what: string): void => {
    if (!holds) throw invalid(`The gate’s answer is not about this call: ${what} does not fit.`);
  };
  const tool = objectAt(predicate, 'tool');
  const isAllowed = predicateType === predicateTypes.allow && predicate['verdict'] === 'ALLOW';
  // A policy in shadow holds nothing back, and its statement is of a type of its own.
  expect(isAllowed || predicateType === predicateTypes.shadow, 'the verdict');
  expect(predicate['callId'] === callId, 'the call id');
  expect(tool['server'] === call.server && tool['name'] === call.tool, 'the tool');
  expect(timeOf(predicate['settleBy']) === permit.settleBy, 'the time to settle it');
  const commitment = objectAt(objectAt(predicate, 'params'), 'commitment')['sha256'];
  expect(opens(envelopes.openings.params, request, commitment), 'what was asked');
  const lasts = permit.settleBy - timeOf(predicate['decidedAt']);
  expect(Number.isFinite(lasts), 'the time of the verdict');
  return lasts;
}

function timeOf(value: Json | undefined): number {
  return typeof value === 'string' ? Date.parse(value) : NaN;
}

function opens(salt: string, bytes: Uint8Array, commitment: Json | undefined): boolean {
  const salted = fromBase64(salt);
  return salted?.length === saltLength && hex(commit(salted, bytes)) === commitment;
}

interface SignedStatement {
  readonly predicateType: Json | undefined;
  readonly predicate: JsonObject;
}

function statementOf(bundle: string): SignedStatement {
  const payload = objectAt(parsed(bundle), 'dsseEnvelope')['payload'];
  const bytes = typeof payload === 'string' ? fromBase64(payload) : undefined;
  const statement = objectOf(parsed((bytes && fromUtf8(bytes)) ?? ''));
  return { predicateType: statement['predicateType'], predicate: objectAt(statement, 'predicate') };
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw invalid('The gate’s answer holds no envelope that can be read.');
  }
}

function objectAt(value: Json, name: string): JsonObject {
  return objectOf(objectOf(value)[name]);
}

function objectOf(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}

function invalid(message: string): CountersignError {
  return new CountersignError('GATE_ANSWER_INVALID', message);
}
