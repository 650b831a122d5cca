import { utf8 } from '../call/bytes.ts';
import type { ToolStanding } from '../call/call.ts';
import { canonicalJson } from '../call/canonical-json.ts';
import { asJson, type Json, type JsonObject } from '../call/json.ts';
import { hex, sha256 } from '../call/sha256.ts';
import { inTotoStatementType, predicateTypes } from '../names.ts';
import type { StatementKind } from '../names.ts';
import type { Statement } from './envelope.ts';
import type {
  ApprovalFacts,
  ChangeFacts,
  KeyEventFacts,
  LogOpenFacts,
  OutcomeFacts,
  RefusalsFacts,
  SessionCloseFacts,
  SessionFacts,
  SessionOpenFacts,
  VerdictFacts,
} from './facts.ts';
import { withoutFields } from './committed-principal.ts';
import { statedPrincipal } from './stated-principal.ts';

/** Builders of every statement that we sign: facts in, in-toto Statement out. Pure. */

/** `allow/v1`, `deny/v1`, or `shadow/v1` for a verdict that was not enforced. */
export function verdict(facts: VerdictFacts): Statement {
  const { call, principal, standing, commitments, decision, policy } = facts;
  const { verdict, code, rule, message, controls, shadow } = decision;
  const enforcedKind = verdict === 'ALLOW' ? 'allow' : 'deny';
  return statement(
    decision.enforced === false ? 'shadow' : enforcedKind,
    callSubject(call.id, commitments.subject),
    {
      verdict,
      reason: { code, ...(rule === undefined ? {} : { rule }), message },
      ...(shadow === undefined ? {} : { shadow: { ...shadow } }),
      callId: call.id,
      decidedAt: instant(facts.decidedAt),
      notAfter: instant(facts.notAfter),
      ...(facts.settleBy === undefined ? {} : { settleBy: instant(facts.settleBy) }),
      tenant: principal.tenant,
      target: call.server.name,
      mode: facts.mode,
      era: call.era,
      input: commitment(facts.input),
      params: commitment(commitments.params),
      ...(facts.asked === undefined ? {} : { asked: { params: commitment(facts.asked) } }),
      session: { ...session(facts.session), ...(call.client === undefined ? {} : { client: call.client }) },
      principal: committedPrincipal(statedPrincipal(principal), commitments.principal ?? {}),
      tool: {
        server: call.server.name,
        name: call.tool,
        serverDigest: digest(call.server.digest),
        ...definition(standing),
      },
      arguments: committedArguments(commitments.arguments),
      policy: { id: policy.id, digest: digest(policy.digest), engine: policy.engine },
      obligations: verdict === 'ALLOW' ? asJson(decision.obligations) : [],
      ...(call.confirmed === true ? { confirmation: 'client-asserted' } : {}),
      ...(facts.approvals === undefined ? {} : { approvals: [...facts.approvals] }),
      controls: [...controls],
      ...(facts.traceparent === undefined ? {} : { traceparent: facts.traceparent }),
    },
  );
}

export function outcome(facts: OutcomeFacts): Statement {
  const { verdict, reason, result, enforcement } = facts;
  return statement('outcome', callSubject(facts.callId, facts.subject), {
    callId: facts.callId,
    verdict: { ...verdict },
    outcome: facts.outcome,
    ...(reason === undefined ? {} : { reason: { ...reason } }),
    startedAt: instant(facts.startedAt),
    finishedAt: instant(facts.finishedAt),
    ...(result === undefined
      ? {}
      : {
          result: {
            raw: commitment(result.raw),
            ...(result.normalised === undefined ? {} : { normalised: commitment(result.normalised) }),
          },
        }),
    observedBy: facts.observedBy,
    ...(enforcement === undefined ? {} : { enforcement: [...enforcement] }),
    mode: facts.mode,
    session: session(facts.session),
  });
}

export function sessionOpen(facts: SessionOpenFacts): Statement {
  return statement('sessionOpen', sessionSubject(facts.session), {
    openedAt: instant(facts.openedAt),
    mode: facts.mode,
    tenant: facts.principal.tenant,
    principal: withoutFields(statedPrincipal(facts.principal), facts.unstated ?? []),
    session: session(facts.session),
  });
}

export function sessionClose(facts: SessionCloseFacts): Statement {
  return statement('sessionClose', sessionSubject(facts.session), {
    closedAt: instant(facts.closedAt),
    mode: facts.mode,
    count: facts.count,
    session: session(facts.session),
  });
}

/** A log's first entry: which log this is, and which one it goes on from. */
export function logOpen({ origin, keyId, openedAt, mode, predecessor }: LogOpenFacts): Statement {
  const log: JsonObject = {
    origin,
    keyId,
    ...(predecessor === undefined ? {} : { predecessor: { ...predecessor } }),
  };
  return statement('logOpen', documentSubject(`https://${origin}`, log), {
    openedAt: instant(openedAt),
    mode,
    log,
  });
}

/** A change of policy, of accepted tools, a revocation: what an operator or a first contact did to the rules. */
export function change({ change, changedAt, mode }: ChangeFacts): Statement {
  return statement('change', documentSubject(change.kind, change), {
    changedAt: instant(changedAt),
    mode,
    change: { ...change },
  });
}

/** How many were refused before they were authenticated: one by one they would fill the log. */
export function refusals({ since, until, counts, mode }: RefusalsFacts): Statement {
  const sums: JsonObject = { ...counts };
  return statement('refusals', documentSubject('refusals', sums), {
    since: instant(since),
    until: instant(until),
    mode,
    counts: sums,
  });
}

/** What happened to one of the keys that a trust root names. */
export function keyEvent({ purpose, keyId, event, successor, ...facts }: KeyEventFacts): Statement {
  const { lastTrusted, occurredAt, mode } = facts;
  const said: JsonObject = {
    event,
    key: { purpose, sha256: keyId },
    successor: { sha256: successor },
    ...(lastTrusted === undefined ? {} : { lastTrusted: { ...lastTrusted } }),
  };
  return statement('keyEvent', documentSubject(`urn:sha256:${keyId}`, said), {
    occurredAt: instant(occurredAt),
    mode,
    ...said,
  });
}

/** Somebody's answer to a request for approval: the artifact is the document that they were shown. */
export function approval({ id, request, by, tool, policy, assertion, ...facts }: ApprovalFacts): Statement {
  const { answer, as, method, callId, tenant, rule, mode } = facts;
  return statement(
    'approval',
    { name: `urn:countersign:approval:${id}`, digest: digest(request) },
    {
      id,
      answer,
      answeredAt: instant(facts.answeredAt),
      by: by === 'operator' ? by : { ...by },
      ...(as === undefined ? {} : { as }),
      method,
      ...(assertion === undefined ? {} : { assertion }),
      requestedAt: instant(facts.requestedAt),
      expiresAt: instant(facts.expiresAt),
      callId,
      tenant,
      tool: { ...tool },
      rule,
      policy: { digest: digest(policy) },
      mode,
    },
  );
}

type Subject = Statement['subject'][number];

function statement(kind: StatementKind, subject: Subject, predicate: Record<string, Json>): Statement {
  return { _type: inTotoStatementType, subject: [subject], predicateType: predicateTypes[kind], predicate };
}

function callSubject(callId: string, actionSha256: string): Subject {
  return { name: `urn:uuid:${callId}`, digest: digest(actionSha256) };
}

/** A session's artifact is the text of its name. */
function sessionSubject({ id }: SessionFacts): Subject {
  const name = `urn:uuid:${id}`;
  return { name, digest: digest(hex(sha256(utf8(name)))) };
}

/** The artifact is the canonical JSON of what the predicate carries. */
function documentSubject(name: string, document: Readonly<Record<string, Json>>): Subject {
  return { name, digest: digest(hex(sha256(utf8(canonicalJson({ ...document }))))) };
}

function session({ id, seq, prev }: SessionFacts): JsonObject {
  return { id, seq, ...(prev === undefined ? {} : { prev: digest(prev) }) };
}

function definition(standing: ToolStanding): JsonObject {
  switch (standing.kind) {
    case 'listed':
      return { definition: digest(standing.definition.sha256) };
    case 'changed':
      return { definition: digest(standing.listed) };
    case 'method':
    case 'unknown':
    case 'server-changed':
      return {};
  }
}

function committedPrincipal(stated: JsonObject, commitments: Readonly<Record<string, string>>): JsonObject {
  const pointers = Object.keys(commitments);
  return pointers.length === 0
    ? stated
    : { ...withoutFields(stated, pointers), committed: committedArguments(commitments) };
}

function committedArguments(byPointer: Readonly<Record<string, string>>): JsonObject {
  const committed = Object.entries(byPointer).map(
    ([pointer, value]) => [pointer, commitment(value)] as const,
  );
  return Object.fromEntries(committed);
}

function commitment(sha256: string): { commitment: { sha256: string } } {
  return { commitment: digest(sha256) };
}

function digest(sha256: string): { sha256: string } {
  return { sha256 };
}

/** RFC 3339 in UTC, with milliseconds. */
function instant(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
