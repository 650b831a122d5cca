import { canonicalJson } from '../call/canonical-json.ts';
import { isJsonObject, type Json } from '../call/json.ts';
import { openSubject } from './action.ts';
import { requireArguments, requireParams, requireReason, requireResult } from './bind.ts';
import { requireApprovedCall, type KnownCall } from './approval-document.ts';
import { attempt, fail } from './codes.ts';
import type { Failure } from './codes.ts';
import type { Answer } from './documents.ts';
import type { Verified } from './envelope.ts';
import { readOpenings } from './openings.ts';
import type { Openings } from './openings.ts';
import { verifyPair } from './pair.ts';
import type { OutcomeFacts, VerdictFacts } from './predicates.ts';
import { readUnambiguous } from './read-json.ts';

export type Expectation = 'allow' | 'deny' | 'executed';

/** What the caller says the call was; each part given must be the one that was signed. */
export interface Given {
  /** JSON text of the arguments. */
  readonly arguments?: Uint8Array;
  /** The exact bytes of the whole `params`. */
  readonly params?: Uint8Array;
  /** The action document: the statement's subject. */
  readonly action?: Uint8Array;
  readonly expect?: Expectation;
}

/** What opened which commitment: an absent one was not asked for, or there was nothing to open it. */
export interface Binding {
  readonly subject?: 'opened';
  readonly arguments?: 'opened';
  /** `asked`: these are what the caller sent, and policy changed the arguments before the call was decided finally. */
  readonly params?: 'opened' | 'asked';
  /** Somebody had to approve this call, and approved exactly this one. */
  readonly approvals?: 'opened';
  /** `reason`: the answer is the gate's own, and says what was signed. */
  readonly result?: 'raw' | 'normalised' | 'reason';
  /** The fields that the given openings opened. */
  readonly openings?: readonly string[];
}

/** The envelopes of one call, each verified by itself, and the answer that they came with. */
export interface CallParts {
  readonly verdict: Verified | undefined;
  readonly outcome: Verified | undefined;
  readonly answer: Answer | undefined;
}

/** Checks what holds between the parts of one call, and between them and what the caller says. */
export async function verifyCall(parts: CallParts, given: Given, failures: Failure[]): Promise<Binding> {
  const { verdict, outcome, answer } = parts;
  if (verdict && outcome) failures.push(...verifyPair(verdict, outcome));
  await attempt(failures, () => requireExpected(given.expect, verdict?.facts, outcome?.facts));

  const said = verdict?.facts?.kind === 'outcome' ? undefined : verdict?.facts;
  const did = outcome?.facts?.kind === 'outcome' ? outcome.facts : undefined;
  const action = await attempt(failures, () => openAction(verdict ?? outcome, given.action));
  await attempt(failures, () => answer && requireOwnCall(answer, (verdict ?? outcome)?.facts));
  const openings = await attempt(failures, () => (answer ? readOpenings(answer.openings) : noOpenings));
  if (openings === undefined) return action ? { subject: 'opened' } : {};
  const checks = {
    arguments: await attempt(failures, () =>
      openArguments(said, openings, action?.document, given.arguments),
    ),
    params: await attempt(failures, () => openParams(said, openings, given.params)),
    result: await attempt(failures, () => answer && openAnswer(said, did, openings, answer)),
  };
  // Only what was the call that was decided on can be the one that was approved.
  const isKnown = failures.length === 0 && openings !== noOpenings;
  const approvals = isKnown
    ? await attempt(failures, () =>
        openApprovals(verdict, openings, whatRan(given, checks.params), action?.document),
      )
    : undefined;
  return {
    ...(action && { subject: 'opened' }),
    ...(checks.arguments && { arguments: 'opened' }),
    ...(checks.params && { params: checks.params }),
    ...(approvals && { approvals: 'opened' }),
    ...(checks.result && { result: checks.result }),
  };
}

/** An action's answer names its call. */
function requireOwnCall(answer: Answer, facts: Facts): void {
  if (answer.callId !== undefined && answer.callId !== facts?.callId)
    fail('UNBOUND', 'callId', 'The answer names another call than its envelopes.');
}

function openAction(
  envelope: Verified | undefined,
  action: Uint8Array | undefined,
): { readonly document: Json | undefined } | undefined {
  return envelope && action && { document: openSubject(envelope, action) };
}

/** An envelope by itself comes without salts. */
const noOpenings: Openings = {
  params: undefined,
  arguments: new Map(),
  asked: undefined,
  approvals: new Map(),
  result: { raw: undefined, normalised: undefined },
};

type Facts = Verified['facts'];

function requireExpected(expected: Expectation | undefined, said: Facts, did: Facts): void {
  if (expected === undefined) return;
  const allowed = said?.kind === 'allow';
  const met = {
    allow: allowed,
    deny: said?.kind === 'deny',
    // An outcome is worth its verdict: without the ALLOW it stands for nothing.
    executed: allowed && did?.kind === 'outcome' && did.outcome === 'executed',
  };
  if (!met[expected])
    fail('EXPECTATION_FAILED', 'verdict', `This does not show what was expected: ${expected}.`);
}

function openArguments(
  said: VerdictFacts | undefined,
  openings: Openings,
  action: Json | undefined,
  bytes: Uint8Array | undefined,
): boolean {
  if (bytes === undefined) return false;
  if (said === undefined)
    return fail('UNBOUND', 'arguments', 'Without a verdict of ours there is nothing to open.');
  const value = readUnambiguous(bytes, 'INPUT_MALFORMED', 'arguments').root.value;
  if (!isJsonObject(action)) {
    requireArguments(said, openings, value);
  } else if (canonicalJson(action['arguments'] ?? null) !== canonicalJson(value)) {
    fail('UNBOUND', 'arguments', 'These are not the arguments of the action document.');
  }
  return true;
}

function openParams(
  said: VerdictFacts | undefined,
  openings: Openings,
  bytes: Uint8Array | undefined,
): Binding['params'] {
  if (bytes === undefined) return undefined;
  if (said === undefined)
    return fail('UNBOUND', 'params', 'Without a verdict of ours there is nothing to open.');
  return requireParams(said, openings, bytes);
}

/** What was approved is the call that ran, and of what was only asked nothing is known of it. */
function whatRan({ params, ...given }: Given, opened: Binding['params'] | undefined): Given {
  return opened === 'opened' && params ? { ...given, params } : given;
}

/** What the caller says that the call was, which was compared with what was signed. */
function knownCall(given: Given, action: Json | undefined): KnownCall | undefined {
  const whole = given.params && readUnambiguous(given.params, 'INPUT_MALFORMED', 'params').root.value;
  const params = isJsonObject(whole) ? whole : undefined;
  const told = given.arguments && readUnambiguous(given.arguments, 'INPUT_MALFORMED', 'arguments').root.value;
  const known = [isJsonObject(action) ? action['arguments'] : undefined, told, params?.['arguments']].find(
    (each) => isJsonObject(each),
  );
  return isJsonObject(known) ? { arguments: known, ...(params && { params }) } : undefined;
}

/** With the salts of an answer, and something of the call to open: else there is nothing to compare. */
function openApprovals(
  verdict: Verified | undefined,
  { approvals: salts }: Openings,
  given: Given,
  action: Json | undefined,
): boolean {
  const stated = verdict?.facts?.kind === 'allow' ? (verdict.facts.approvals?.given ?? []) : [];
  const call = stated.length > 0 ? knownCall(given, action) : undefined;
  if (verdict === undefined || call === undefined) return false;
  return stated
    .map((approval) => requireApprovedCall(verdict, approval, salts.get(approval.id), call))
    .every(Boolean);
}

/** An answer that only decides says what was signed: an ALLOW, or a DENY for its reason. What came of it is said elsewhere. */
function openDecision(
  said: VerdictFacts | undefined,
  did: OutcomeFacts | undefined,
  answer: Answer,
): undefined | 'reason' {
  // One that was allowed, and then not given out, says so in its outcome.
  const denied = said?.kind === 'deny' && did === undefined ? said : did?.outcome === 'aborted' && did;
  if (answer.decision === 'DENY' && denied) {
    requireReason(denied.reason, answer);
    return 'reason';
  }
  const isAllowed = answer.decision === 'ALLOW' && said?.kind === 'allow' && did === undefined;
  if (!isAllowed || answer.denial !== undefined)
    fail('UNBOUND', 'decision', 'The answer does not say what was signed.');
  return undefined;
}

/** The answer must be the one that was signed: the server's, by the outcome; the gate's own, by the signed reason. */
function openAnswer(
  said: VerdictFacts | undefined,
  did: OutcomeFacts | undefined,
  openings: Openings,
  answer: Answer,
): Binding['result'] {
  if (answer.decision !== undefined) return openDecision(said, did, answer);
  if (said?.kind === 'deny' && did === undefined) {
    requireReason(said.reason, answer);
    return 'reason';
  }
  if (did === undefined) {
    return fail('UNBOUND', 'result', 'No outcome came with this answer: what it says, nobody signed.');
  }
  if (did.result === undefined) {
    requireReason(did.reason, answer);
    return 'reason';
  }
  if (answer.denial !== undefined) fail('UNBOUND', 'denial', 'A refusal was put to an answer of the server.');
  const isFailure = did.outcome === 'failed';
  if (answer.isError !== isFailure) {
    fail(
      'UNBOUND',
      'result',
      'The answer is an error where the outcome is a result, or the other way round.',
    );
  }
  return requireResult(did, openings, answer.result);
}
