import { fromBase64 } from '../../call/sha256.ts';
import { parseJson } from '../../call/json-scan.ts';
import type { Json, JsonObject } from '../../call/json.ts';
import { CountersignError } from '../../errors.ts';
import type { ApiKeyRecord } from '../../identity/api-key.ts';
import { agentFault, networkFault, tenantFault, toolFault } from './api-key-scope.ts';
import { parseInstant } from './instant.ts';

/** A record with what only its keeper asks for. */
export interface StoredApiKey extends ApiKeyRecord {
  /** The id of the key that takes its place: this one was rotated. */
  readonly successor?: string;
}

export interface Pepper {
  readonly version: number;
  readonly secret: Uint8Array;
}

/**
 * Reads what keeps API keys. All or nothing, and no default: a record that is half understood may be one that narrows, ends or
 * revokes a key. API_KEY_STORE_UNREADABLE says where (`where` and the member), and repeats nothing of what is there.
 */
export function parseStore(where: string, bytes: Uint8Array): JsonObject {
  const refuse = (why: string): never => {
    throw new CountersignError('API_KEY_STORE_UNREADABLE', `${where} cannot be read: ${why}.`);
  };
  let parsed;
  try {
    parsed = parseJson(bytes);
  } catch {
    return refuse('it is not JSON');
  }
  const { root, ambiguities } = parsed;
  // Of "revoked" and then "active" the last one would win, and a person reads the first.
  if (ambiguities.length > 0) return refuse('a member is there twice, or can be read in two ways');
  return root.kind === 'object' ? root.value : refuse('it is no object');
}

export function readApiKeys(where: string, store: JsonObject): readonly StoredApiKey[] {
  const keys = listOf(where, store, 'keys').map((one, i) => readRecord(`${where}: keys[${i}]`, one));
  assertDistinct(
    where,
    'id',
    keys.map(({ id }) => id),
  );
  assertDistinct(
    where,
    'digest',
    keys.map(({ digest }) => digest),
  );
  return keys;
}

/** Newest first: its first one is for new keys. */
export function readPeppers(where: string, store: JsonObject): readonly Pepper[] {
  const peppers = listOf(where, store, 'peppers').map((one, i) => readPepper(`${where}: peppers[${i}]`, one));
  assertDistinct(
    where,
    'version',
    peppers.map(({ version }) => String(version)),
  );
  return peppers.toSorted((a, b) => b.version - a.version);
}

/** `agent` is how records of one agent were written before there could be several. */
const members = new Set<string>([
  ...([
    'id',
    'digest',
    'pepperVersion',
    'tenant',
    'agents',
    'status',
    'tools',
    'cidrs',
    'notAfter',
    'createdAt',
  ] satisfies (keyof ApiKeyRecord)[]),
  'successor',
  'agent',
]);

function readRecord(at: string, value: Json): StoredApiKey {
  const record = objectOf(at, value);
  for (const member of Object.keys(record)) {
    if (!members.has(member)) throw unreadable(at, 'has a member that this version does not know');
  }
  const { tools, cidrs, notAfter, successor } = record;
  return {
    id: text(at, 'id', record['id'], idFault),
    digest: text(at, 'digest', record['digest'], digestFault),
    pepperVersion: version(`${at}.pepperVersion`, record['pepperVersion']),
    tenant: text(at, 'tenant', record['tenant'], tenantFault),
    agents: agentsOf(at, record),
    ...(tools !== undefined && { tools: texts(at, 'tools', tools, toolFault) }),
    ...(cidrs !== undefined && { cidrs: texts(at, 'cidrs', cidrs, networkFault) }),
    ...(notAfter !== undefined && { notAfter: text(at, 'notAfter', notAfter, instantFault) }),
    status: statusOf(at, record['status']),
    createdAt: text(at, 'createdAt', record['createdAt'], instantFault),
    ...(successor !== undefined && { successor: text(at, 'successor', successor, idFault) }),
  };
}

function agentsOf(at: string, { agent, agents }: JsonObject): readonly string[] {
  if (agent !== undefined && agents !== undefined) throw unreadable(at, 'has both agent and agents');
  if (agent !== undefined) return [text(at, 'agent', agent, agentFault)];
  const named = texts(at, 'agents', agents, agentFault);
  if (named.length === 0) throw unreadable(`${at}.agents`, 'names nobody');
  return named;
}

function statusOf(at: string, status: Json | undefined): ApiKeyRecord['status'] {
  if (status === 'active' || status === 'revoked') return status;
  throw unreadable(`${at}.status`, 'is neither active nor revoked');
}

function readPepper(at: string, value: Json): Pepper {
  const pepper = objectOf(at, value);
  const secret = typeof pepper['secret'] === 'string' ? fromBase64(pepper['secret']) : undefined;
  // As long as what HMAC-SHA-256 gives, or a guess at the pepper would be the shorter way (RFC 2104 §3).
  if (secret === undefined || secret.length < 32)
    throw unreadable(`${at}.secret`, 'is not base64 of 32 bytes');
  return { version: version(`${at}.version`, pepper['version']), secret };
}

const idFault = (id: string) => (/^[A-Za-z0-9._-]{1,128}$/.test(id) ? undefined : 'is no id');
const digestFault = (digest: string) =>
  /^[0-9a-f]{64}$/.test(digest) ? undefined : 'is not SHA-256 in lower-case hexadecimal';
const instantFault = (time: string) => (parseInstant(time) === undefined ? 'is no RFC 3339 time' : undefined);

type Fault = (text: string) => string | undefined;

function text(at: string, member: string, value: Json | undefined, fault: Fault): string {
  return textAt(`${at}.${member}`, value, fault);
}

function texts(at: string, member: string, value: Json | undefined, fault: Fault): readonly string[] {
  if (!Array.isArray(value)) throw unreadable(`${at}.${member}`, 'is no list');
  return value.map((one, i) => textAt(`${at}.${member}[${i}]`, one, fault));
}

function textAt(at: string, value: Json | undefined, fault: Fault): string {
  if (typeof value !== 'string') throw unreadable(at, 'is no text');
  const wrong = fault(value);
  if (wrong !== undefined) throw unreadable(at, wrong);
  return value;
}

function version(at: string, value: Json | undefined): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1)
    throw unreadable(at, 'is no whole number from 1');
  return value;
}

function listOf(where: string, store: JsonObject, member: string): readonly Json[] {
  const list = store[member];
  if (!Array.isArray(list)) throw unreadable(`${where}: ${member}`, 'is no list');
  return list;
}

function objectOf(at: string, value: Json): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw unreadable(at, 'is no object');
  return value;
}

/** Two records of one digest would be one key with two scopes. */
function assertDistinct(where: string, what: string, values: readonly string[]): void {
  if (new Set(values).size !== values.length)
    throw unreadable(where, `has two entries with the same ${what}`);
}

function unreadable(at: string, why: string): CountersignError {
  return new CountersignError('API_KEY_STORE_UNREADABLE', `${at} ${why}.`);
}
