import type { Call } from '../call/call.ts';
import { canonicalJson } from '../call/canonical-json.ts';
import { commit, newSalt } from '../call/commitment.ts';
import type { Json } from '../call/json.ts';
import { pointer } from '../call/pointer.ts';
import { base64, hex, sha256, utf8 } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import type { SideRow } from '../ledger/ledger.ts';
import type { Execution } from '../targets/target.ts';
import type { Openings } from './gate.ts';

/** What a verdict states of a call without telling it: salted commitments, and what opens them. */
export interface CallCommitments {
  /** Hex SHA-256 of the action document: the statement's subject. */
  readonly subject: string;
  /** Hex commitment to the exact bytes of `params`. */
  readonly params: string;
  /** Hex commitment to each declared argument, by JSON pointer. */
  readonly arguments: Readonly<Record<string, string>>;
  readonly openings: Openings;
  readonly side: readonly SideRow[];
}

/** What an outcome states of a result: commitments to its exact bytes and to its canonical form. */
export interface ResultCommitments {
  readonly raw: string;
  /** Absent when the result has no canonical form (a lone surrogate). */
  readonly normalised?: string;
  readonly openings: NonNullable<Openings['result']>;
  readonly side: readonly SideRow[];
}

export function commitCall(call: Call, declaredProperties: readonly string[]): CallCommitments {
  const paramsSalt = newSalt();
  const actionSalt = newSalt();
  const action = utf8(actionDocument(call, actionSalt));
  const fields = declaredProperties
    .filter((name) => Object.hasOwn(call.arguments, name))
    .map((name) => commitField(name, call.arguments[name] as Json));
  return {
    subject: hex(sha256(action)),
    params: hex(commit(paramsSalt, call.params)),
    arguments: Object.fromEntries(fields.map(({ at, commitment }) => [at, commitment])),
    openings: {
      params: base64(paramsSalt),
      action: base64(actionSalt),
      arguments: Object.fromEntries(fields.map(({ at, salt }) => [at, base64(salt)])),
    },
    side: [
      { name: 'action', salt: actionSalt, value: action },
      { name: 'params', salt: paramsSalt, value: call.params },
      ...fields.map(({ at, salt }) => ({ name: `arguments${at}`, salt })),
    ],
  };
}

/** The document that a stock verifier takes as the artifact: canonical JSON of the call and its salt. */
function actionDocument(call: Call, salt: Uint8Array): string {
  return canonicalJson({
    callId: call.id,
    salt: base64(salt),
    server: call.server.name,
    tool: call.tool,
    paramsSha256: hex(sha256(call.params)),
    arguments: call.arguments,
  });
}

function commitField(name: string, value: Json) {
  const salt = newSalt();
  return { at: pointer(name), salt, commitment: hex(commit(salt, utf8(canonicalJson(value)))) };
}

/** Commits to what the target answered; undefined when it gave no answer. */
export function commitResult(execution: Execution): ResultCommitments | undefined {
  if (execution.kind === 'none') return undefined;
  const bytes = execution.kind === 'result' ? execution.result : execution.error;
  const rawSalt = newSalt();
  const normalisedSalt = newSalt();
  const canonical = canonicalOrUndefined(execution.value);
  return {
    raw: hex(commit(rawSalt, bytes)),
    ...(canonical ? { normalised: hex(commit(normalisedSalt, canonical)) } : {}),
    openings: { raw: base64(rawSalt), normalised: base64(normalisedSalt) },
    side: [
      { name: 'result/raw', salt: rawSalt },
      { name: 'result/normalised', salt: normalisedSalt },
    ],
  };
}

function canonicalOrUndefined(value: Json): Uint8Array | undefined {
  try {
    return utf8(canonicalJson(value));
  } catch (error) {
    if (error instanceof CountersignError) return undefined;
    throw error;
  }
}
