import { canonicalJson } from '../call/canonical-json.ts';
import { ambiguityWithin } from '../call/json-node.ts';
import { parseJson } from '../call/json-scan.ts';
import { isJsonObject, type Json, type JsonObject } from '../call/json.ts';
import { hex, sha256, utf8 } from '../call/sha256.ts';
import { isUuid } from '../call/uuid.ts';
import { CountersignError } from '../errors.ts';
import type { ListedTool } from './listing.ts';

/**
 * What a caller asks that carries its calls out itself, as it sends it: `{callId?, server, tool, definition? | tools?,
 * arguments?, era?, request?, confirmed?, context?, settleWithin?}`. The verdict commits to its exact bytes, so whatever stands in it is bound.
 */
export interface CallerRequest {
  /** A UUIDv7 that the caller chose, so that it can ask again. */
  readonly callId?: string;
  readonly server: string;
  readonly tool: string;
  /** The tools that the caller declares with this request, by name. */
  readonly declared: ReadonlyMap<string, ListedTool>;
  readonly arguments: JsonObject;
  readonly era: 'legacy' | 'modern';
  /** What the person asked for, as the caller tells it. */
  readonly request?: string;
  /** That the person confirmed exactly this call, as the caller tells it. */
  readonly confirmed?: true;
  /** Milliseconds. */
  readonly settleWithin?: number;
}

const members: ReadonlySet<string> = new Set([
  ...[
    'callId',
    'server',
    'tool',
    'definition',
    'tools',
    'arguments',
    'era',
    'request',
    'confirmed',
    'context',
    'settleWithin',
  ],
]);
const serverName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const maxToolName = 256;
const maxDeclared = 512;
const maxRequest = 65_536;

/** FRAME_INVALID for another shape, ARGUMENTS_AMBIGUOUS for what two parsers could read differently. */
export function readCallerRequest(bytes: Uint8Array): CallerRequest {
  return callerRequestOf(readObject(bytes));
}

/** The same of what was parsed already, and strictly. */
export function callerRequestOf(said: JsonObject): CallerRequest {
  for (const name of Object.keys(said)) if (!members.has(name)) throw wrong(name, 'is not known here');
  const { callId, server, tool, era = 'modern', settleWithin } = said;
  if (callId !== undefined && !isUuidv7(callId)) throw wrong('callId', 'is a UUIDv7 in lower case');
  if (typeof server !== 'string' || !serverName.test(server))
    throw wrong('server', 'is a name of letters, digits, dots, dashes and underscores, at most 64');
  if (!isToolName(tool)) throw wrong('tool', `is a name of at most ${maxToolName} characters`);
  if (era !== 'modern' && era !== 'legacy') throw wrong('era', 'is modern or legacy');
  if (!isOptional(said['context'], isJsonObject)) throw wrong('context', 'is an object');
  if (!isOptional(settleWithin, isMilliseconds)) throw wrong('settleWithin', 'is milliseconds');
  const given = said['arguments'] ?? {};
  if (!isJsonObject(given)) throw wrong('arguments', 'is an object');
  return {
    ...(callId !== undefined && { callId }),
    server,
    tool,
    declared: readDeclared(said['definition'], said['tools'], tool),
    arguments: given,
    era,
    ...readPersonsWord(said),
    ...(settleWithin !== undefined && { settleWithin }),
  };
}

/** What the caller says that the person asked for and confirmed. */
function readPersonsWord({ request, confirmed }: JsonObject): Pick<CallerRequest, 'request' | 'confirmed'> {
  if (!isOptional(request, isRequestText))
    throw wrong('request', `is a text of at most ${maxRequest} characters`);
  if (confirmed !== undefined && confirmed !== true) throw wrong('confirmed', 'is true, or is not there');
  return { ...(request !== undefined && { request }), ...(confirmed === true && { confirmed }) };
}

/** One JSON object that every parser reads alike. */
export function readObject(bytes: Uint8Array): JsonObject {
  const parsed = parseJson(bytes);
  if (parsed.root.kind !== 'object')
    throw new CountersignError('FRAME_INVALID', 'The body is one JSON object.');
  const ambiguity = ambiguityWithin(parsed, parsed.root);
  if (ambiguity !== undefined) {
    throw new CountersignError(
      'ARGUMENTS_AMBIGUOUS',
      `Two parsers could read the body differently: ${ambiguity.kind}.`,
    );
  }
  return parsed.root.value;
}

function readDeclared(
  definition: Json | undefined,
  tools: Json | undefined,
  tool: string,
): ReadonlyMap<string, ListedTool> {
  if (definition !== undefined && tools !== undefined) throw wrong('tools', 'stands beside a definition');
  if (tools !== undefined && !Array.isArray(tools)) throw wrong('tools', 'is a list of definitions');
  const all = definition === undefined ? (tools ?? []) : [definition];
  if (all.length > maxDeclared) throw wrong('tools', `has at most ${maxDeclared} definitions`);
  const declared = new Map<string, ListedTool>();
  for (const each of all) {
    const name = isJsonObject(each) ? each['name'] : undefined;
    if (!isJsonObject(each) || !isToolName(name)) throw wrong('definition', 'is an object with a name');
    if (declared.has(name)) throw wrong('tools', 'declares a name twice');
    declared.set(name, listedTool(each));
  }
  if (definition !== undefined && !declared.has(tool)) throw wrong('definition', 'is of another tool');
  return declared;
}

/** A definition as it is pinned: canonical, as callers print theirs anew with every request. */
export function listedTool(definition: JsonObject): ListedTool {
  const raw = utf8(canonicalJson(definition));
  const annotations = definition['annotations'];
  const schema = definition['inputSchema'];
  const properties = isJsonObject(schema) ? schema['properties'] : undefined;
  return {
    raw,
    sha256: hex(sha256(raw)),
    declaredProperties: isJsonObject(properties) ? Object.keys(properties) : [],
    ...(isJsonObject(annotations) && { annotations }),
  };
}

function isToolName(value: Json | undefined): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= maxToolName;
}

function isUuidv7(value: Json): value is string {
  return typeof value === 'string' && isUuid(value) && value[14] === '7';
}

function isRequestText(value: Json): value is string {
  return typeof value === 'string' && value.length <= maxRequest;
}

function isMilliseconds(value: Json): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

function isOptional<T extends Json>(
  value: Json | undefined,
  is: (value: Json) => value is T,
): value is T | undefined {
  return value === undefined || is(value);
}

function wrong(member: string, what: string): CountersignError {
  return new CountersignError('FRAME_INVALID', `${member.slice(0, 40)} ${what}.`);
}
