import type { Json } from '../call/json.ts';
import { verifyCall } from './calls.ts';
import type { Given } from './calls.ts';
import { attempt, fail } from './codes.ts';
import type { Failure } from './codes.ts';
import { assuranceOf, isAtLeast } from './cosignatures.ts';
import type { Assurance } from './cosignatures.ts';
import { readDocument, splitDocuments } from './documents.ts';
import type { Answer } from './documents.ts';
import { verifyEnvelope } from './envelope.ts';
import type { Verified, VerifyOptions } from './envelope.ts';
import { readOpening, requireOpening } from './opening.ts';
import type { Opening } from './opening.ts';
import { verifyOneTree } from './pair.ts';
import { reportEnvelope } from './report.ts';
import type { CallReport, Report, ReportedFailure } from './report.ts';
import type { Trust } from './trust.ts';

export interface Input {
  /** For the report: a file name. */
  readonly name: string;
  /** A bundle, a tool result, a JSON-RPC response, or JSON lines of those. */
  readonly bytes: Uint8Array;
}

export interface InputOptions extends VerifyOptions, Given {
  /** Openings of single fields, as JSON or JSON lines: each must open what was signed. */
  readonly openings?: readonly Uint8Array[];
  /** The least that every envelope must have; `self` unless told. */
  readonly assurance?: Assurance;
}

/** A call on its way to its report. */
interface Draft {
  readonly from: string[];
  readonly failures: ReportedFailure[];
  verdict: Verified | undefined;
  outcome: Verified | undefined;
  /** What is neither. */
  readonly others: Verified[];
  readonly answer: Answer | undefined;
}

/** Verifies one input: see `verifyInputs`. */
export function verifyToolResult(
  bytes: Uint8Array,
  trust: Trust,
  options: InputOptions = {},
): Promise<Report> {
  return verifyInputs([{ name: 'input', bytes }], trust, options);
}

/**
 * Verifies everything in the inputs, call by call: each envelope, the pair of verdict and outcome, that arguments and
 * result open what was signed, and that all envelopes are of one tree. A verdict and its outcome may come in different
 * inputs. `ok` only if nothing failed, and something was there to verify.
 */
export async function verifyInputs(
  inputs: readonly Input[],
  trust: Trust,
  options: InputOptions = {},
): Promise<Report> {
  const drafts: Draft[] = [];
  const loose = new Map<string, Draft>();
  for (const { name, bytes } of inputs) {
    for (const { line, bytes: document } of splitDocuments(bytes)) {
      const from = line === undefined ? name : `${name}:${line}`;
      const draft = await draftDocument(from, document, trust, options);
      if (!joinPair(loose, draft)) drafts.push(draft);
    }
  }
  const found: Failure[] = [];
  const openings = await readOpenings(options.openings ?? [], found);
  const calls: CallReport[] = [];
  for (const draft of drafts) calls.push(await finish(draft, options, openings));
  found.push(...verifyOneTree(drafts.flatMap(envelopesOf)), ...strayOpenings(openings, drafts));
  const failures = found.map((failure) => ({ part: 'input' as const, ...failure }));
  return {
    ok: calls.length > 0 && failures.length === 0 && calls.every((call) => call.ok),
    trustRoot: trust.fingerprint,
    ...(options.compromised && { compromised: options.compromised.fingerprint }),
    assurance: weakestOf(drafts.flatMap(envelopesOf)),
    calls,
    failures,
  };
}

async function draftDocument(
  from: string,
  bytes: Uint8Array,
  trust: Trust,
  options: InputOptions,
): Promise<Draft> {
  const found: Failure[] = [];
  const content = await attempt(found, () => readDocument(bytes));
  const draft: Draft = {
    from: [from],
    failures: found.map((failure) => ({ part: 'input', ...failure })),
    verdict: undefined,
    outcome: undefined,
    others: [],
    answer: content?.kind === 'answer' ? content.answer : undefined,
  };
  const verify = async (
    part: ReportedFailure['part'],
    bundle: Uint8Array | Json,
  ): Promise<Verified | undefined> => {
    const result = await verifyEnvelope(bundle, trust, options);
    if (result.ok) return result;
    draft.failures.push(...result.failures.map((failure) => ({ part, ...failure })));
    return undefined;
  };
  if (content?.kind === 'answer') {
    const { answer } = content;
    draft.verdict = await verify('verdict', answer.verdict);
    if (answer.outcome !== undefined) draft.outcome = await verify('outcome', answer.outcome);
  } else if (content !== undefined) {
    placeLoose(draft, await verify('envelope', content.bundle));
  }
  return draft;
}

function placeLoose(draft: Draft, envelope: Verified | undefined): void {
  if (envelope === undefined) return;
  if (envelope.facts === undefined) draft.others.push(envelope);
  else if (envelope.facts.kind === 'outcome') draft.outcome = envelope;
  else draft.verdict = envelope;
}

/** Puts a bundle that came by itself to the other half of its pair. False when it stays a draft of its own. */
function joinPair(loose: Map<string, Draft>, draft: Draft): boolean {
  const callId = (draft.verdict ?? draft.outcome)?.facts?.callId;
  if (callId === undefined || draft.answer !== undefined || draft.failures.length > 0) return false;
  const half = loose.get(callId);
  const fits =
    half !== undefined && (half.verdict === undefined ? draft.verdict : draft.outcome) !== undefined;
  if (!fits || (half.verdict && half.outcome)) {
    loose.set(callId, draft);
    return false;
  }
  half.verdict ??= draft.verdict;
  half.outcome ??= draft.outcome;
  half.from.push(...draft.from);
  return true;
}

async function readOpenings(texts: readonly Uint8Array[], failures: Failure[]): Promise<Opening[]> {
  const openings: Opening[] = [];
  for (const { bytes } of texts.flatMap(splitDocuments)) {
    const opening = await attempt(failures, () => readOpening(bytes));
    if (opening !== undefined) openings.push(opening);
  }
  return openings;
}

/** An opening that nothing was compared with must not look as if it held. */
function strayOpenings(openings: readonly Opening[], drafts: readonly Draft[]): readonly Failure[] {
  return openings
    .filter(({ callId }) => !drafts.some((draft) => callIdOf(draft) === callId))
    .map(({ field }) => ({
      code: 'UNBOUND',
      field: `opening ${field}`,
      message: 'It is of a call whose envelopes were not given.',
    }));
}

function callIdOf({ verdict, outcome }: Draft): string | undefined {
  return (verdict ?? outcome)?.facts?.callId;
}

async function finish(
  draft: Draft,
  options: InputOptions,
  openings: readonly Opening[],
): Promise<CallReport> {
  const { from, answer, others } = draft;
  const failures = [...draft.failures];
  const found: Failure[] = [];
  // An envelope that was refused says nothing: there is nothing to compare with it.
  const [other] = others;
  const parts = { verdict: draft.verdict ?? other, outcome: draft.outcome, answer };
  const refused = failures.length > 0;
  const own = refused ? [] : openings.filter(({ callId }) => callId === callIdOf(draft));
  const binding = refused ? {} : await verifyCall(parts, options, found);
  const opened: string[] = [];
  for (const opening of own) {
    await attempt(found, () => opened.push(requireOpening(opening, draft)));
  }
  await attempt(found, () => requireAssurance(envelopesOf(draft), options.assurance));
  failures.push(...found.map((failure) => ({ part: 'call' as const, ...failure })));
  const envelopes = envelopesOf(draft).map(reportEnvelope);
  return {
    from,
    ok: failures.length === 0,
    failures,
    envelopes,
    binding: { ...binding, ...(opened.length > 0 && { openings: opened }) },
  };
}

function requireAssurance(envelopes: readonly Verified[], demanded: Assurance = 'self'): void {
  for (const { place } of envelopes) {
    if (isAtLeast(place.cosigned, demanded)) continue;
    fail(
      'ASSURANCE_TOO_LOW',
      `entry ${place.index}`,
      `Its assurance is ${assuranceOf(place.cosigned)}, and ${demanded} is demanded.`,
    );
  }
}

function weakestOf(envelopes: readonly Verified[]): Assurance {
  const [first, ...rest] = envelopes.map(({ place }) => place.cosigned);
  return assuranceOf(
    rest.reduce((weakest, one) => ((one?.count ?? 0) < (weakest?.count ?? 0) ? one : weakest), first),
  );
}

function envelopesOf({ verdict, outcome, others }: Draft): readonly Verified[] {
  return [verdict, outcome, ...others].filter((envelope) => envelope !== undefined);
}
