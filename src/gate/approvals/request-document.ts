import type { Call } from '../../call/call.ts';
import { base64, hex, sha256, utf8 } from '../../call/sha256.ts';
import { canonicalJson } from '../../call/canonical-json.ts';
import { parseJson } from '../../call/json-scan.ts';
import { isJsonObject, type Json, type JsonObject } from '../../call/json.ts';
import { approvalDocumentType } from '../../names.ts';
import type { ApprovalRequest } from './approval.ts';

/** What of a call is approved: its arguments, and whatever else of `params` may matter to who carries it out. */
export interface ApprovedContent {
  readonly arguments: JsonObject;
  /** Absent where there is nothing but arguments and bookkeeping. */
  readonly params?: JsonObject;
}

/**
 * The canonical JSON of what somebody approves: everything that they were shown, and the terms. Its SHA-256 is what a passkey
 * signs and what statements state; the random salt in it keeps that digest from telling the arguments to whoever guesses them.
 */
export function requestDocument(
  {
    id,
    tenant,
    agent,
    human,
    server,
    tool,
    definition,
    policy,
    terms,
    ...rest
  }: Omit<ApprovalRequest, 'document' | 'callId'>,
  salt: Uint8Array,
  content: ApprovedContent,
): string {
  return canonicalJson({
    type: approvalDocumentType,
    id,
    salt: base64(salt),
    tenant,
    agent: { ...agent },
    ...(human && { human: { ...human } }),
    server: { ...server },
    tool,
    ...(definition !== undefined && { definition }),
    arguments: content.arguments,
    ...(content.params && { params: content.params }),
    rule: terms.rule,
    policy,
    from: [...terms.from],
    count: terms.count,
    by: terms.by,
    requestedAt: instant(rest.requestedAt),
    expiresAt: instant(rest.expiresAt),
  });
}

/** Hex. */
export function digestOf(document: string): string {
  return hex(sha256(utf8(document)));
}

export function contentOf(call: Pick<Call, 'params' | 'arguments' | 'server' | 'tool'>): ApprovedContent {
  const params = beside(call);
  return { arguments: call.arguments, ...(params && { params }) };
}

/** What a caller may send that carries its calls out itself. */
const ofCaller: ReadonlySet<string> = new Set([
  ...['callId', 'server', 'tool', 'definition', 'tools', 'arguments', 'era', 'context', 'settleWithin'],
]);

/**
 * The members of `params` beside the arguments: a continuation, a task, a URI. Not `_meta`, which differs with every request,
 * nor the tool's name. Of a caller's own request it is the folder that it works in: the rest is about the request.
 *
 * @throws CountersignError `FRAME_INVALID` for params that are no JSON.
 */
function beside(call: Pick<Call, 'params' | 'arguments' | 'server' | 'tool'>): JsonObject | undefined {
  const params = parseJson(call.params).root.value;
  if (!isJsonObject(params) || canonicalJson(params) === canonicalJson(call.arguments)) return undefined;
  if (isCallersRequest(params, call)) return folderOf(params['context']);
  const others = Object.entries(params).filter(([name, value]) => !isFrame(name, value, call));
  return others.length === 0 ? undefined : Object.fromEntries(others);
}

function isFrame(name: string, value: Json, { tool }: Pick<Call, 'tool'>): boolean {
  return name === '_meta' || name === 'arguments' || (name === 'name' && value === tool);
}

/** A call of MCP has a member that these requests may not have: its name, its URI, its reference. */
function isCallersRequest(params: JsonObject, { server, tool }: Pick<Call, 'server' | 'tool'>): boolean {
  const isKnown = Object.keys(params).every((name) => ofCaller.has(name));
  return isKnown && params['server'] === server.name && params['tool'] === tool;
}

function folderOf(context: Json | undefined): JsonObject | undefined {
  const folder = isJsonObject(context) ? context['cwd'] : undefined;
  return typeof folder === 'string' ? { cwd: folder } : undefined;
}

function instant(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
