import { concatBytes, utf8 } from '../call/bytes.ts';
import { parseJson } from '../call/json-scan.ts';
import { CountersignError } from '../errors.ts';
import type { OutcomeReport, ToolCall } from './gate-client.ts';
import { isSaidByJson } from './said-by-json.ts';

/** A call as it is sent to a gate: JSON text, and exactly what the verdict commits to. Throws FRAME_INVALID for what is no JSON. */
export function requestBytes(call: ToolCall, callId: string): Uint8Array {
  if (!isSaidByJson(call.arguments))
    throw new CountersignError(
      'FRAME_INVALID',
      'The arguments hold something that JSON cannot say: a gate could not decide on what would run.',
    );
  const { server, tool, definition, request, confirmed, context, settleWithin } = call;
  const asked = { callId, server, tool, arguments: call.arguments, definition };
  return utf8(textOf({ ...asked, request, confirmed, context, settleWithin }));
}

/** What a call would carry out, as text; undefined for what is no JSON. */
export function argumentsText(call: Pick<ToolCall, 'arguments'>): string | undefined {
  return tryText(call.arguments);
}

/** A report as it is sent: `{handle, outcome, result | error}`. What it tells stands in it byte for byte. */
export function reportBytes(
  handle: string,
  outcome: OutcomeReport['outcome'],
  told: Told | undefined,
): Uint8Array {
  const head = `{"handle":${JSON.stringify(handle)},"outcome":"${outcome}"`;
  return told === undefined
    ? utf8(`${head}}`)
    : concatBytes(utf8(`${head},"${told.name}":`), told.bytes, utf8('}'));
}

/** What a report tells of the result or the error, as JSON text. */
export interface Told {
  readonly name: 'result' | 'error';
  readonly bytes: Uint8Array;
}

/** Undefined where there is nothing that JSON could tell. */
export function toldBy(report: OutcomeReport): Told | undefined {
  if (report.outcome === 'executed') return told('result', report.result);
  if (report.outcome === 'failed') return told('error', report.error);
  return undefined;
}

function told(name: Told['name'], value: unknown): Told | undefined {
  if (value instanceof Uint8Array) return isJson(value) ? { name, bytes: value } : undefined;
  const text = tryText(value instanceof Error ? { name: value.name, message: value.message } : value);
  return text === undefined ? undefined : { name, bytes: utf8(text) };
}

function isJson(bytes: Uint8Array): boolean {
  try {
    parseJson(bytes);
    return true;
  } catch {
    return false;
  }
}

function textOf(value: unknown): string {
  const text = tryText(value);
  if (text === undefined) throw new CountersignError('FRAME_INVALID', 'The call is not JSON.');
  return text;
}

/** Undefined for what JSON cannot say: a circle, a bigint, nothing at all. */
function tryText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
