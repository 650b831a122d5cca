import { utf8 } from '../../src/call/bytes.ts';
import { commit, commitJson, newSalt } from '../../src/call/commitment.ts';
import type { Json, JsonObject } from '../../src/call/json.ts';
import { canonicalJson } from '../../src/call/canonical-json.ts';
import { pointer } from '../../src/call/pointer.ts';
import { base64, hex, sha256 } from '../../src/call/sha256.ts';
import { outcome as outcomeStatement, verdict as verdictStatement } from '../../src/envelope/statements.ts';
import type { OutcomeFacts, VerdictFacts } from '../../src/envelope/facts.ts';
import type { Report } from '../../src/verify/report.ts';
import { allowed, denied, fullPrincipal } from '../envelope/facts.ts';
import type { Recorded, TestTrustSystem } from '../support/trust-system.ts';

/** A governed call as its caller gets it, made with the rooms that make real ones. */
export interface TestCall {
  readonly callId: string;
  readonly arguments: JsonObject;
  readonly params: Uint8Array;
  readonly action: Uint8Array;
  readonly verdict: string;
  readonly outcome: string;
  readonly verdictRecord: Recorded;
  readonly outcomeRecord: Recorded;
  readonly openings: JsonObject;
  /** The server's own result bytes. */
  readonly result: string;
  /** The tool result with our `_meta`, as the gateway writes it. */
  readonly answer: string;
}

export interface TestCallOptions {
  readonly id?: string;
  readonly arguments?: JsonObject;
  readonly result?: string;
  readonly decidedAt?: number;
  readonly facts?: Partial<VerdictFacts>;
  readonly outcome?: Partial<OutcomeFacts>;
  /** A field of who called that is committed to instead of stated. */
  readonly withheld?: { readonly pointer: string; readonly salt: Uint8Array; readonly value: Json };
  /** As when the server gave no answer. */
  readonly withoutResult?: boolean;
}

/** The code of every check that failed; `ok` says the same. */
export function codesOf(report: Report): readonly string[] {
  const failures = [...report.calls.flatMap((call) => call.failures), ...report.failures];
  if (report.ok !== (failures.length === 0)) throw new Error('a report contradicts itself');
  return failures.map(({ code }) => code);
}

let calls = 0;

export const newCallId = (): string => `01932f5e-0000-7000-8000-${String(++calls).padStart(12, '0')}`;

export async function allowedCall(system: TestTrustSystem, options: TestCallOptions = {}): Promise<TestCall> {
  const callId = options.id ?? newCallId();
  const given = options.arguments ?? { path: `/srv/${callId}`, depth: 2 };
  const result = options.result ?? '{"content":[{"type":"text","text":"done"}],"isError":false}';
  const params = utf8(JSON.stringify({ name: 'read_file', arguments: given }));
  const [paramsSalt, rawSalt, normalisedSalt] = [newSalt(), newSalt(), newSalt()];
  const fields = Object.keys(given).map((name) => ({
    at: pointer(name),
    value: given[name] ?? null,
    salt: newSalt(),
  }));
  const action = utf8(
    canonicalJson({
      callId,
      salt: base64(newSalt()),
      server: 'files',
      tool: 'read_file',
      paramsSha256: hex(sha256(params)),
      arguments: given,
    }),
  );
  const decidedAt = options.decidedAt ?? system.now;
  const { withheld } = options;
  const enforcedKind = options.facts?.decision?.verdict === 'DENY' ? 'deny' : 'allow';
  const verdictRecord = await system.record(
    options.facts?.decision?.enforced === false ? 'shadow' : enforcedKind,
    verdictStatement({
      ...allowed,
      call: { ...allowed.call, id: callId, params, arguments: given },
      commitments: {
        subject: hex(sha256(action)),
        params: hex(commit(paramsSalt, params)),
        arguments: Object.fromEntries(
          fields.map(({ at, value, salt }) => [at, hex(commitJson(salt, value))]),
        ),
        ...(withheld && {
          principal: { [withheld.pointer]: hex(commitJson(withheld.salt, withheld.value)) },
        }),
      },
      ...(withheld && { principal: fullPrincipal }),
      decidedAt,
      notAfter: decidedAt + 5_000,
      ...options.facts,
    }),
  );
  const proof = system.proof(verdictRecord);
  const verdict = system.bundle(verdictRecord);
  const outcomeRecord = await system.record(
    'outcome',
    outcomeStatement({
      callId,
      subject: hex(sha256(action)),
      verdict: {
        sha256: hex(verdictRecord.signed.paeSha256),
        logIndex: proof.logIndex,
        treeSize: proof.treeSize,
        rootHash: hex(proof.rootHash),
      },
      outcome: 'executed',
      startedAt: decidedAt,
      finishedAt: decidedAt,
      ...(options.withoutResult !== true && {
        result: {
          raw: hex(commit(rawSalt, utf8(result))),
          normalised: hex(commitJson(normalisedSalt, JSON.parse(result) as Json)),
        },
      }),
      observedBy: 'gate',
      session: { id: allowed.session.id, seq: 2, prev: hex(verdictRecord.signed.paeSha256) },
      mode: 'same-user',
      ...options.outcome,
    }),
  );
  const outcome = system.bundle(outcomeRecord);
  const openings = {
    params: base64(paramsSalt),
    action: base64(newSalt()),
    arguments: Object.fromEntries(fields.map(({ at, salt }) => [at, base64(salt)])),
    result: { raw: base64(rawSalt), normalised: base64(normalisedSalt) },
  };
  const answer = splice(result, envelopeMember(verdict, outcome, openings));
  return {
    callId,
    arguments: given,
    params,
    action,
    verdict,
    outcome,
    verdictRecord,
    outcomeRecord,
    openings,
    result,
    answer,
  };
}

export async function deniedCall(system: TestTrustSystem) {
  const callId = newCallId();
  const { decision } = denied;
  const facts = {
    ...denied,
    call: { ...denied.call, id: callId },
    decidedAt: system.now,
    notAfter: system.now,
  };
  const record = await system.record('deny', verdictStatement(facts));
  const verdict = system.bundle(record);
  const denial = { code: decision.code, message: decision.message, retryable: false };
  const openings = { params: base64(newSalt()), action: base64(newSalt()), arguments: {} };
  const text = `${decision.message} (${decision.code})`;
  const envelope = { verdict: JSON.parse(verdict) as JsonObject, openings };
  return { callId, verdict, denial, openings, text, answer: denialAnswer(text, denial, envelope), envelope };
}

export function denialAnswer(text: string, denial: object, envelope: object, more: object = {}): string {
  return JSON.stringify({
    content: [{ type: 'text', text }],
    isError: true,
    ...more,
    _meta: { 'dev.countersign/denial': denial, 'dev.countersign/envelope': envelope },
  });
}

export function envelopeMember(verdict: string, outcome: string | undefined, openings: object): string {
  const bundles =
    outcome === undefined ? `"verdict":${verdict}` : `"verdict":${verdict},"outcome":${outcome}`;
  return `{${bundles},"openings":${JSON.stringify(openings)}}`;
}

/** As the gateway does it: first in an object that has none, into a `_meta` of the server's where there is one. */
export function splice(result: string, envelope: string, holder: '_meta' | 'data' = '_meta'): string {
  const ours = `"dev.countersign/envelope":${envelope}`;
  const [start, rest] = [`{"${holder}":{`, result.slice(1)];
  const theirs = new RegExp(`"${holder}":\\{`).exec(result);
  if (theirs === null) return `${start}${ours}}${rest === '}' ? '' : ','}${rest}`;
  const at = theirs.index + theirs[0].length;
  return `${result.slice(0, at)}${ours}${result[at] === '}' ? '' : ','}${result.slice(at)}`;
}
