import { fromUtf8 } from '../call/bytes.ts';
import { memberOf, type JsonNode, type ObjectNode } from '../call/json-node.ts';
import { parseJson } from '../call/json-scan.ts';
import { isJsonObject, type Json, type JsonObject } from '../call/json.ts';
import type { CallEnvelopes, Denial, Openings, ReportResult } from '../gate/gate.ts';
import { metaKeys, reasonCodes, type ReasonCode } from '../names.ts';
import { denial } from './denial.ts';
import type { Answered, Refused } from './transport.ts';

/** What a gate answered over HTTP. */
export interface GateAnswer {
  readonly status: number;
  readonly bytes: Uint8Array;
}

/** A permission is only what reads as one in every part. Everything else is a denial. */
export function readDecision({ status, bytes }: GateAnswer): Answered {
  const read = readRoot(bytes);
  if (read === undefined) return { kind: 'denied', denial: unreadable(status) };
  const { root, text } = read;
  const { callId, decision } = root.value;
  const permit = readPermit(root.value['permit']);
  const envelopes = readEnvelopes(root, text);
  const id = typeof callId === 'string' ? { callId } : {};
  if (status === 200 && decision === 'ALLOW' && permit && envelopes) {
    return { kind: 'delegated', ...id, permit, envelopes };
  }
  const why = decision === 'DENY' ? readDenial(root.value['denial']) : readDenial(root.value['error']);
  return { kind: 'denied', ...id, denial: why ?? unreadable(status), ...(envelopes && { envelopes }) };
}

export function readSettlement({ status, bytes }: GateAnswer): ReportResult | Refused {
  const read = readRoot(bytes);
  const envelopes = read && readEnvelopes(read.root, read.text);
  if (status === 200 && envelopes?.outcome !== undefined) return { kind: 'done', envelopes };
  const value = read?.root.value;
  const why = readDenial(value?.['denial']) ?? readDenial(value?.['error']);
  return { kind: 'refused', denial: why ?? unreadable(status) };
}

interface Read {
  readonly root: ObjectNode;
  /** The text between two offsets. */
  readonly text: (node: JsonNode) => string | undefined;
}

function readRoot(bytes: Uint8Array): Read | undefined {
  try {
    const { root, ambiguities } = parseJson(bytes);
    if (root.kind !== 'object' || ambiguities.some(({ kind }) => kind === 'duplicate-key')) return undefined;
    return { root, text: ({ start, end }) => fromUtf8(bytes.subarray(start, end)) };
  } catch {
    return undefined;
  }
}

/** The bundles stay the text that they came as. */
function readEnvelopes(root: ObjectNode, text: Read['text']): CallEnvelopes | undefined {
  const meta = memberOf(root, '_meta');
  const place = meta && memberOf(meta, metaKeys.envelope);
  const part = (name: string): string | undefined => {
    const node = place && memberOf(place, name);
    return node?.kind === 'object' ? text(node) : undefined;
  };
  const verdict = part('verdict');
  const outcome = part('outcome');
  const openings = place && readOpenings(memberOf(place, 'openings')?.value);
  if (verdict === undefined || openings === undefined) return undefined;
  return { verdict, ...(outcome !== undefined && { outcome }), openings };
}

function readOpenings(value: Json | undefined): Openings | undefined {
  if (!isJsonObject(value)) return undefined;
  const { params, action, arguments: each, asked, approvals, result } = value;
  if (typeof params !== 'string' || typeof action !== 'string' || !isJsonObject(each)) return undefined;
  const opened = isJsonObject(result) ? [result['raw'], result['normalised']] : [];
  const [raw, normalised] = opened;
  return {
    params,
    action,
    arguments: textsOf(each),
    ...(typeof asked === 'string' && { asked }),
    ...(isJsonObject(approvals) && { approvals: textsOf(approvals) }),
    ...(typeof raw === 'string' && typeof normalised === 'string' && { result: { raw, normalised } }),
  };
}

function textsOf(object: JsonObject): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(object).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function readPermit(value: Json | undefined): { handle: string; settleBy: number } | undefined {
  if (!isJsonObject(value)) return undefined;
  const { handle, settleBy } = value;
  const time = typeof settleBy === 'string' ? Date.parse(settleBy) : NaN;
  return typeof handle === 'string' && Number.isFinite(time) ? { handle, settleBy: time } : undefined;
}

function readDenial(value: Json | undefined): Denial | undefined {
  if (!isJsonObject(value)) return undefined;
  const { code, message, rule, retryable } = value;
  if (!isReasonCode(code) || typeof message !== 'string') return undefined;
  return { code, message, retryable: retryable === true, ...(typeof rule === 'string' && { rule }) };
}

function isReasonCode(value: Json | undefined): value is ReasonCode {
  return (reasonCodes as readonly unknown[]).includes(value);
}

function unreadable(status: number): Denial {
  return denial('GATE_ANSWER_INVALID', `The gate’s answer (${status}) is not one that can be acted on.`);
}
