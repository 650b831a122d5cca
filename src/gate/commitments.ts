import type { Call } from '../call/call.ts';
import { canonicalJson } from '../call/canonical-json.ts';
import { commit, newSalt } from '../call/commitment.ts';
import { asJson, type Json } from '../call/json.ts';
import { pointer } from '../call/pointer.ts';
import { base64, hex, sha256, utf8 } from '../call/sha256.ts';
import { fieldsOf, type CommittableField } from '../envelope/committed-principal.ts';
import { statedPrincipal } from '../envelope/stated-principal.ts';
import { CountersignError } from '../errors.ts';
import type { Principal } from '../identity/principal.ts';
import type { PolicyInput } from '../policy/policy.ts';
import type { Execution } from '../targets/target.ts';
import type { Openings } from './gate.ts';
import type { Reported } from './reported.ts';
import type { Kept, Redundant } from './side-rows.ts';

/** What a verdict states of a call without telling it: salted commitments, and what opens them. */
export interface CallCommitments {
  /** Hex SHA-256 of the action document: the statement's subject. */
  readonly subject: string;
  /** Hex commitment to the exact bytes of `params`. */
  readonly params: string;
  /** Hex commitment to each declared argument, by JSON pointer. */
  readonly arguments: Readonly<Record<string, string>>;
  /** Hex commitment to the params as the caller sent them; absent where they are what runs. */
  readonly asked?: string;
  readonly openings: Openings;
  readonly kept: readonly Kept[];
}

/** What a verdict commits to of who called, instead of stating it. */
export interface PrincipalCommitments {
  /** Hex commitments, by JSON pointer into the stated principal. */
  readonly commitments: Readonly<Record<string, string>>;
  readonly kept: readonly Kept[];
}

/** What an outcome states of a result: commitments to its exact bytes and to its canonical form. */
export interface ResultCommitments {
  readonly raw: string;
  /** Absent when the result has no canonical form (a lone surrogate). */
  readonly normalised?: string;
  readonly openings: NonNullable<Openings['result']>;
  readonly kept: readonly (Kept & Redundant)[];
}

/** `asked`: the call before policy changed its arguments. */
export function commitCall(call: Call, declaredProperties: readonly string[], asked?: Call): CallCommitments {
  const paramsSalt = newSalt();
  const askedSalt = newSalt();
  const actionSalt = newSalt();
  const action = utf8(actionDocument(call, actionSalt));
  const fields = declaredProperties
    .filter((name) => Object.hasOwn(call.arguments, name))
    .map((name) => commitField(name, call.arguments[name] as Json));
  return {
    subject: hex(sha256(action)),
    params: hex(commit(paramsSalt, call.params)),
    arguments: Object.fromEntries(fields.map(({ at, commitment }) => [at, commitment])),
    ...(asked && { asked: hex(commit(askedSalt, asked.params)) }),
    openings: {
      ...(asked && { asked: base64(askedSalt) }),
      params: base64(paramsSalt),
      action: base64(actionSalt),
      arguments: Object.fromEntries(fields.map(({ at, salt }) => [at, base64(salt)])),
    },
    kept: [
      { field: 'action', name: 'action', salt: actionSalt, value: action },
      { field: 'params', name: 'params', salt: paramsSalt, value: call.params },
      ...(asked ? [{ field: 'params' as const, name: 'asked', salt: askedSalt, value: asked.params }] : []),
      ...fields.map(({ at, salt, value }) => ({ field: at, name: `arguments${at}`, salt, value })),
    ],
  };
}

/** Its salts are told to nobody with the call: whoever has the result need not learn where the person was. */
export function commitPrincipal(
  principal: Principal,
  committed: readonly CommittableField[],
): PrincipalCommitments {
  if (committed.length === 0) return nothingCommitted;
  const fields = fieldsOf(statedPrincipal(principal), committed).map(({ pointer: at, value }) => ({
    at,
    ...committedValue(value),
  }));
  return {
    commitments: Object.fromEntries(fields.map(({ at, commitment }) => [at, commitment])),
    kept: fields.map(({ at, salt, value }) => ({
      field: 'principal',
      name: `principal${at}`,
      salt,
      value,
    })),
  };
}

const nothingCommitted: PrincipalCommitments = { commitments: {}, kept: [] };

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

function commitField(name: string, argument: Json) {
  return { at: pointer(name) as `/${string}`, ...committedValue(argument) };
}

function committedValue(of: Json) {
  const salt = newSalt();
  const value = utf8(canonicalJson(of));
  return { salt, value, commitment: hex(commit(salt, value)) };
}

/** Commits to everything that policy decided on. */
export function commitInput(input: PolicyInput): { readonly commitment: string; readonly kept: Kept } {
  const salt = newSalt();
  const value = utf8(canonicalJson(asJson(input)));
  return { commitment: hex(commit(salt, value)), kept: { field: 'input', name: 'input', salt, value } };
}

/** Commits to what the target answered, or the caller says that it did; undefined when there is no answer. */
export function commitResult(ending: Execution | Reported): ResultCommitments | undefined {
  const answer = answerOf(ending);
  if (answer === undefined) return undefined;
  const { bytes, value } = answer;
  const rawSalt = newSalt();
  const normalisedSalt = newSalt();
  const canonical = canonicalOrUndefined(value);
  return {
    raw: hex(commit(rawSalt, bytes)),
    ...(canonical ? { normalised: hex(commit(normalisedSalt, canonical)) } : {}),
    openings: { raw: base64(rawSalt), normalised: base64(normalisedSalt) },
    kept: [
      { field: 'result', name: 'result/raw', salt: rawSalt, value: bytes, redundant: false },
      // The value that has this form is the one that the raw bytes have.
      { field: 'result', name: 'result/normalised', salt: normalisedSalt, value: bytes, redundant: true },
    ],
  };
}

export function answerOf(ending: Execution | Reported): Reported['answer'] {
  switch (ending.kind) {
    case 'result':
      return { bytes: ending.result, value: ending.value };
    case 'error':
      return { bytes: ending.error, value: ending.value };
    case 'reported':
      return ending.answer;
    case 'none':
      return undefined;
  }
}

function canonicalOrUndefined(value: Json): Uint8Array | undefined {
  try {
    return utf8(canonicalJson(value));
  } catch (error) {
    if (error instanceof CountersignError) return undefined;
    throw error;
  }
}
