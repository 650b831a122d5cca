import { commit, saltLength } from '../../call/commitment.ts';
import { isJsonObject, type Json, type JsonObject } from '../../call/json.ts';
import { fromUtf8, hex } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import { sealedName } from '../../gate/sealed-row.ts';
import type { LogEntry, SideRow } from '../../ledger/ledger.ts';
import { asks } from '../../policy/obligation.ts';
import type { PolicyInput } from '../../policy/policy.ts';

/** A verdict of the log, and what it was decided on where that is kept. */
export interface RecordedCall {
  readonly callId: string;
  /** Of its entry. */
  readonly index: number;
  /** Wall milliseconds. */
  readonly time: number;
  readonly tool: { readonly server: string; readonly name: string };
  /** The id of who asked; absent where it is not stated. */
  readonly agent?: string;
  readonly verdict: 'ALLOW' | 'DENY';
  readonly code: string;
  readonly rule?: string;
  /** False of a verdict that was not enforced (`shadow/v1`). */
  readonly enforced: boolean;
  /** Whether somebody had to be asked before it was allowed. */
  readonly asks: boolean;
  /** Hex SHA-256 of the policy that decided. */
  readonly policy: string;
  readonly input: RecordedInput;
}

/**
 * What policy saw. `not-kept`: by a plaintext rule, or erased. `sealed`: to somebody else's key. `changed`: what lies beside the log
 * does not open what was signed, so nothing of it is believed.
 */
export type RecordedInput =
  | { readonly state: 'kept'; readonly value: PolicyInput }
  | { readonly state: 'not-kept' | 'sealed' | 'changed' };

/** Undefined for an entry that is no verdict. LEDGER_CORRUPT for a statement that is not one of ours. */
export function recordedCall(entry: LogEntry, side: readonly SideRow[]): RecordedCall | undefined {
  const { kind, callId, index, time } = entry;
  if (callId === null || (kind !== 'allow' && kind !== 'deny' && kind !== 'shadow')) return undefined;
  const { verdict, reason, tool, principal, policy, input, obligations } = predicateOf(entry);
  const { code, rule } = objectOf(reason);
  const { server, name } = objectOf(tool);
  const agent = objectOf(objectOf(principal)['agent'])['id'];
  return {
    callId,
    index,
    time,
    tool: { server: textOf(server), name: textOf(name) },
    ...(typeof agent === 'string' && { agent }),
    verdict: verdict === 'ALLOW' ? 'ALLOW' : 'DENY',
    code: textOf(code),
    ...(typeof rule === 'string' && { rule }),
    enforced: kind !== 'shadow',
    asks: Array.isArray(obligations) && obligations.some((one) => asks(objectOf(one)['type'])),
    policy: textOf(objectOf(objectOf(policy)['digest'])['sha256']),
    input: inputIn(side, objectOf(objectOf(input)['commitment'])),
  };
}

function predicateOf({ payload, index }: LogEntry): JsonObject {
  const { predicate } = objectOf(parsed(payload));
  if (isJsonObject(predicate)) return predicate;
  throw new CountersignError(
    'LEDGER_CORRUPT',
    `Entry ${index} of the log holds no statement that can be read.`,
  );
}

function inputIn(side: readonly SideRow[], { sha256 }: JsonObject): RecordedInput {
  if (side.some(({ name }) => name === sealedName('input'))) return { state: 'sealed' };
  const row = side.find(({ name }) => name === 'input');
  if (row?.value === undefined) return { state: 'not-kept' };
  // Whoever reads the home can write it: only what opens the commitment is what was decided on.
  const opens = row.salt.length === saltLength && hex(commit(row.salt, row.value)) === sha256;
  const value = opens ? parsed(row.value) : undefined;
  return isJsonObject(value)
    ? { state: 'kept', value: value as unknown as PolicyInput }
    : { state: 'changed' };
}

function objectOf(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

function parsed(bytes: Uint8Array): Json | undefined {
  try {
    return JSON.parse(fromUtf8(bytes) ?? '') as Json;
  } catch {
    return undefined;
  }
}
