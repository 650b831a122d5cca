import type { OutcomeKind } from '../call/call.ts';
import type { Json, JsonObject } from '../call/json.ts';
import { readApprovals, type StatedApprovals } from './approval-facts.ts';
import { fail } from './codes.ts';
import { parseUtc } from './rfc3339.ts';
import { hexDigest, objectAt, optional, stringAt } from './statement.ts';
import type { Statement } from './statement.ts';

/** What a verdict states, as far as it is checked or shown. Times are wall milliseconds, digests lower-case hexadecimal. */
export interface VerdictFacts {
  readonly kind: 'allow' | 'deny' | 'shadow';
  readonly verdict: 'ALLOW' | 'DENY';
  readonly callId: string;
  readonly decidedAt: number;
  /** Of a call that its caller carries out: when it has to have said what came of it. */
  readonly settleBy?: number;
  readonly reason: { readonly code?: string; readonly rule?: string; readonly message?: string };
  readonly mode?: string;
  readonly agent?: string;
  readonly human?: string;
  readonly humanIssuer?: string;
  /** Who had to approve exactly this call, and who did; absent where nobody had to. */
  readonly approvals?: StatedApprovals;
  /** What the agent acted under, the root first. */
  readonly grants?: readonly StatedGrant[];
  readonly tool: { readonly server?: string; readonly name?: string };
  readonly params?: string;
  /** Commitment to the params as the caller sent them, where policy changed the arguments: `params` is what ran. */
  readonly asked?: string;
  /** Commitment to everything that policy decided on. */
  readonly input?: string;
  /** JSON pointer → commitment. */
  readonly arguments: ReadonlyMap<string, string>;
  /** JSON pointer into the principal → commitment: what is not stated of it. */
  readonly committed: ReadonlyMap<string, string>;
}

/** A grant as a verdict names it: who left something to whom. */
export interface StatedGrant {
  readonly id: string;
  readonly issuer: string;
  /** SPIFFE ID. */
  readonly subject: string;
  /** Hex SHA-256 of the grant as it was signed. */
  readonly sha256: string;
}

/** What an outcome states. */
export interface OutcomeFacts {
  readonly kind: 'outcome';
  readonly callId: string;
  readonly verdict: VerdictReference;
  readonly outcome: OutcomeKind;
  readonly reason: VerdictFacts['reason'];
  readonly startedAt?: number;
  readonly finishedAt: number;
  readonly mode?: string;
  /** Who saw the end of the call. What a caller says, the gate has signed, and not seen. */
  readonly observedBy?: 'gate' | 'caller';
  readonly result?: { readonly raw?: string; readonly normalised?: string };
}

/** How an outcome names its verdict, and the tree that the verdict stood in when it was released. */
export interface VerdictReference {
  readonly sha256: string;
  readonly logIndex: number;
  readonly treeSize: number;
  readonly rootHash: string;
}

const code = 'STATEMENT_MALFORMED';
const at = 'payload.predicate';

/** The facts of a verdict or an outcome; undefined for every other statement. */
export function readFacts(statement: Statement): VerdictFacts | OutcomeFacts | undefined {
  switch (statement.kind) {
    case 'allow':
    case 'deny':
    case 'shadow':
      return readVerdict(statement, statement.kind);
    case 'outcome':
      return readOutcome(statement);
    default:
      return undefined;
  }
}

function readVerdict(statement: Statement, kind: VerdictFacts['kind']): VerdictFacts {
  const { predicate } = statement;
  const verdict = predicate['verdict'];
  if (verdict !== 'ALLOW' && verdict !== 'DENY')
    return fail(code, `${at}.verdict`, 'This must be ALLOW or DENY.');
  // Stock verifiers look at the type alone, so the two must never differ (a shadow run may state either).
  if (kind !== 'shadow' && kind !== verdict.toLowerCase()) {
    fail(code, `${at}.verdict`, 'The verdict is not the one that the predicate type states.');
  }
  const principal = optional(predicate, 'principal', at, objectAt) ?? {};
  const tool = optional(predicate, 'tool', at, objectAt) ?? {};
  return {
    kind,
    verdict,
    callId: readCallId(statement),
    decidedAt: timeAt(predicate['decidedAt'], `${at}.decidedAt`),
    ...maybe('settleBy', optional(predicate, 'settleBy', at, timeAt)),
    reason: readReason(predicate),
    tool: {
      ...maybe('server', optional(tool, 'server', `${at}.tool`, stringAt)),
      ...maybe('name', optional(tool, 'name', `${at}.tool`, stringAt)),
    },
    ...maybe('mode', optional(predicate, 'mode', at, stringAt)),
    ...maybe('agent', optional(principal, 'agent', `${at}.principal`, nameOf('id'))),
    ...maybe('human', optional(principal, 'human', `${at}.principal`, nameOf('subject'))),
    ...maybe('humanIssuer', optional(principal, 'human', `${at}.principal`, nameOf('issuer'))),
    ...maybe('approvals', readApprovals(predicate)),
    ...maybe('grants', optional(principal, 'grants', `${at}.principal`, readGrants)),
    ...maybe('params', optional(predicate, 'params', at, commitmentAt)),
    ...maybe('asked', optional(predicate, 'asked', at, askedAt)),
    ...maybe('input', optional(predicate, 'input', at, commitmentAt)),
    arguments: readCommitments(predicate, 'arguments', at),
    committed: readCommitments(principal, 'committed', `${at}.principal`),
  };
}

function readGrants(value: Json, path: string): readonly StatedGrant[] {
  if (!Array.isArray(value)) return fail(code, path, 'This must be an array.');
  return value.map((each, i) => {
    const grant = objectAt(each, `${path}[${i}]`);
    const text = (name: string): string => stringAt(grant[name], `${path}[${i}].${name}`);
    return {
      ...{ id: text('id'), issuer: text('issuer'), subject: text('subject') },
      sha256: hexDigest(grant['sha256'], `${path}[${i}].sha256`),
    };
  });
}

function readOutcome(statement: Statement): OutcomeFacts {
  const { predicate } = statement;
  const result = optional(predicate, 'result', at, objectAt);
  return {
    kind: 'outcome',
    callId: readCallId(statement),
    verdict: readReference(predicate['verdict']),
    outcome: readOutcomeKind(predicate['outcome']),
    reason: readReason(predicate),
    finishedAt: timeAt(predicate['finishedAt'], `${at}.finishedAt`),
    ...maybe('startedAt', optional(predicate, 'startedAt', at, timeAt)),
    ...maybe('observedBy', optional(predicate, 'observedBy', at, observerAt)),
    ...maybe('mode', optional(predicate, 'mode', at, stringAt)),
    ...maybe(
      'result',
      result && {
        ...maybe('raw', optional(result, 'raw', `${at}.result`, commitmentAt)),
        ...maybe('normalised', optional(result, 'normalised', `${at}.result`, commitmentAt)),
      },
    ),
  };
}

/** The call's id stands twice: in the predicate and as the subject's name. */
function readCallId({ predicate, subject }: Statement): string {
  const callId = stringAt(predicate['callId'], `${at}.callId`);
  if (subject.length !== 1 || subject[0]?.name !== `urn:uuid:${callId}`) {
    return fail(code, 'payload.subject', 'The subject is not this call.');
  }
  return callId;
}

function readReference(value: Json | undefined): VerdictReference {
  const path = `${at}.verdict`;
  const reference = objectAt(value, path);
  return {
    sha256: hexDigest(reference['sha256'], `${path}.sha256`),
    logIndex: countAt(reference['logIndex'], `${path}.logIndex`),
    treeSize: countAt(reference['treeSize'], `${path}.treeSize`),
    rootHash: hexDigest(reference['rootHash'], `${path}.rootHash`),
  };
}

const outcomeKinds: readonly OutcomeKind[] = ['executed', 'failed', 'aborted', 'unknown'];

function readOutcomeKind(value: Json | undefined): OutcomeKind {
  return outcomeKinds.find((kind) => kind === value) ?? fail(code, `${at}.outcome`, 'This is no outcome.');
}

function observerAt(value: Json, path: string): NonNullable<OutcomeFacts['observedBy']> {
  return value === 'gate' || value === 'caller' ? value : fail(code, path, 'This must be gate or caller.');
}

function readReason(predicate: JsonObject): VerdictFacts['reason'] {
  const reason = optional(predicate, 'reason', at, objectAt) ?? {};
  const text = <K extends string>(name: K): { readonly [P in K]?: string } =>
    maybe(name, optional(reason, name, `${at}.reason`, stringAt));
  return { ...text('code'), ...text('rule'), ...text('message') };
}

function readCommitments(object: JsonObject, name: string, path: string): ReadonlyMap<string, string> {
  const commitments = optional(object, name, path, objectAt) ?? {};
  return new Map(
    Object.entries(commitments).map(([pointer, value]) => [
      pointer,
      commitmentAt(value, `${path}.${name}["${pointer}"]`),
    ]),
  );
}

function commitmentAt(value: Json, path: string): string {
  const commitment = objectAt(objectAt(value, path)['commitment'], `${path}.commitment`);
  return hexDigest(commitment['sha256'], `${path}.commitment.sha256`);
}

function askedAt(value: Json, path: string): string {
  return commitmentAt(objectAt(value, path)['params'] ?? null, `${path}.params`);
}

/** The name of an agent or a human; a field that is committed and not stated has none. */
function nameOf(field: string): (value: Json, path: string) => string | undefined {
  return (value, path) => {
    const name = objectAt(value, path)[field];
    return typeof name === 'string' ? name : undefined;
  };
}

function timeAt(value: Json | undefined, path: string): number {
  return parseUtc(stringAt(value, path)) ?? fail(code, path, 'This must be an RFC 3339 time in UTC.');
}

function countAt(value: Json | undefined, path: string): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
    ? value
    : fail(code, path, 'This must be a count.');
}

/** `{ [name]: value }`, or nothing where there is no value. */
function maybe<K extends string, T>(name: K, value: T | undefined): { readonly [P in K]?: T } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [P in K]?: T };
}
