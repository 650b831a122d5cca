import { canonicalJson } from '../call/canonical-json.ts';
import { isJsonObject, type Json, type JsonObject } from '../call/json.ts';
import { base64, hex, sha256, utf8 } from '../call/sha256.ts';
import { approvalDocumentType } from '../names.ts';
import type { ApprovalFacts } from './approval-facts.ts';
import { fail } from './codes.ts';
import type { Verified } from './envelope.ts';
import { objectAt } from './statement.ts';

/** What is known of the call beside its envelopes; each was compared with what was signed. */
export interface KnownCall {
  readonly arguments: JsonObject;
  /** The whole `params`, where they were given. */
  readonly params?: JsonObject;
}

/**
 * Requires that the document that somebody approved is about exactly this call. True when it was opened; false when it cannot be:
 * the statement only commits to who called, or the params were not given. Fails with UNBOUND.
 */
export function requireApprovedCall(
  { statement, facts }: Verified,
  approval: ApprovalFacts,
  salt: Uint8Array | undefined,
  call: KnownCall,
): boolean {
  const path = `approvals["${approval.id}"]`;
  if (salt === undefined) return fail('UNBOUND', path, 'There is no salt to open this approval with.');
  const asker = facts?.kind === 'outcome' ? undefined : askerOf(statement.predicate);
  const isPartial = approval.request.covers === 'params' && call.params === undefined;
  if (asker === undefined || isPartial) return false;
  const beside = call.params && besideArguments(call.params, call.arguments, statement.predicate);
  const document = documentOf(statement.predicate, asker, approval, salt, {
    arguments: call.arguments,
    ...(beside && { params: beside }),
  });
  if (hex(sha256(utf8(canonicalJson(document)))) !== approval.request.sha256)
    fail('UNBOUND', path, 'This is not the call that was approved.');
  return true;
}

/** The document as it was made when the call was asked for. */
function documentOf(
  predicate: JsonObject,
  asker: JsonObject,
  approval: ApprovalFacts,
  salt: Uint8Array,
  content: JsonObject,
): JsonObject {
  const tool = objectAt(predicate['tool'], 'payload.predicate.tool');
  const definition = digestIn(tool['definition']);
  return {
    type: approvalDocumentType,
    id: approval.id,
    salt: base64(salt),
    tenant: predicate['tenant'] ?? null,
    ...asker,
    server: { name: tool['server'] ?? null, digest: digestIn(tool['serverDigest']) ?? null },
    tool: tool['name'] ?? null,
    ...(definition !== undefined && { definition }),
    ...content,
    rule: approval.rule,
    policy: digestIn(objectAt(predicate['policy'], 'payload.predicate.policy')['digest']) ?? null,
    from: [...approval.from],
    count: approval.count,
    by: approval.by,
    requestedAt: new Date(approval.requestedAt).toISOString(),
    expiresAt: new Date(approval.expiresAt).toISOString(),
  };
}

/** Undefined where the statement commits to who called instead of saying it. */
function askerOf(predicate: JsonObject): JsonObject | undefined {
  const principal = objectAt(predicate['principal'], 'payload.predicate.principal');
  const { agent, human, committed } = principal;
  const isWithheld =
    isJsonObject(committed) && Object.keys(committed).some((path) => /^\/human\b/.test(path));
  const asking = named(agent, 'id');
  if (asking === undefined || isWithheld) return undefined;
  const acting = human === undefined ? undefined : named(human, 'subject');
  return { agent: asking, ...(acting && { human: acting }) };
}

function named(value: Json | undefined, field: 'id' | 'subject'): JsonObject | undefined {
  if (!isJsonObject(value)) return undefined;
  return { [field]: value[field] ?? null, issuer: value['issuer'] ?? null };
}

function digestIn(value: Json | undefined): Json | undefined {
  return isJsonObject(value) ? value['sha256'] : undefined;
}

const callersMembers: ReadonlySet<string> = new Set([
  ...['callId', 'server', 'tool', 'definition', 'tools', 'arguments', 'era', 'context', 'settleWithin'],
]);

/** What of `params` was approved beside the arguments: `_meta` and the tool's name are not, nor what is about a caller's own request. */
function besideArguments(
  params: JsonObject,
  given: JsonObject,
  predicate: JsonObject,
): JsonObject | undefined {
  if (canonicalJson(params) === canonicalJson(given)) return undefined;
  const tool = objectAt(predicate['tool'], 'payload.predicate.tool');
  const isCallers =
    Object.keys(params).every((name) => callersMembers.has(name)) &&
    params['server'] === tool['server'] &&
    params['tool'] === tool['name'];
  if (isCallers) {
    const { context } = params;
    const folder = isJsonObject(context) ? context['cwd'] : undefined;
    return typeof folder === 'string' ? { cwd: folder } : undefined;
  }
  const others = Object.entries(params).filter(
    ([name, value]) =>
      name !== '_meta' && name !== 'arguments' && !(name === 'name' && value === tool['name']),
  );
  return others.length === 0 ? undefined : Object.fromEntries(others);
}
