import { canonicalJson } from '../call/canonical-json.ts';
import { asJson, type Json, type JsonObject } from '../call/json.ts';
import { base64, fromBase64, fromUtf8, utf8 } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import { auditStateType } from '../names.ts';
import { CheckFailed, fail } from '../verify/codes.ts';
import { fieldsOf } from '../verify/fields.ts';
import type { ApprovalMemory } from './audit-approvals.ts';
import type { CallMemory, OpenVerdict } from './audit-calls.ts';
import type { KeyUse } from './audit-keys.ts';
import type { Chain, SessionMemory } from './audit-sessions.ts';

/**
 * What an audit leaves to the next one, so that only new entries are replayed and every rule still reaches across. It is the
 * auditor's own file, and as true as the auditor keeps it: of all that stands in it only the checkpoint is signed.
 */
export interface AuditState {
  /** The head that was audited: a signed note. */
  readonly checkpoint: string;
  /** Faults that audits up to it found. */
  readonly faults: number;
  /** Wall milliseconds of the latest stamp. */
  readonly lastTime?: number;
  readonly calls: CallMemory;
  /** Absent of a state that an auditor has kept who did not follow approvals yet. */
  readonly approvals?: ApprovalMemory;
  readonly sessions: SessionMemory;
  /** Digests of the statements that stand in no session. */
  readonly loose: Uint8Array;
  readonly keys: readonly KeyUse[];
}

/** Canonical JSON; sets of ids as base64 of their digests. */
export function encodeAuditState(state: AuditState): Uint8Array {
  const { calls, sessions, loose, keys, checkpoint, faults, lastTime, approvals } = state;
  const plain = {
    type: auditStateType,
    checkpoint,
    faults,
    ...(lastTime !== undefined && { lastTime }),
    calls: { open: calls.open, denied: base64(calls.denied), settled: base64(calls.settled) },
    sessions: { open: sessions.open, closed: base64(sessions.closed) },
    ...(approvals && { approvals: encodeApprovals(approvals) }),
    loose: base64(loose),
    keys,
  };
  return utf8(`${canonicalJson(asJson(plain))}\n`);
}

function encodeApprovals({ given, refused, used, isBlind }: ApprovalMemory): JsonObject {
  return {
    ...{ given: base64(given), refused: base64(refused), used: base64(used) },
    ...(isBlind === true && { isBlind }),
  };
}

const malformed = 'INPUT_MALFORMED';
const fields = fieldsOf(malformed, malformed);

/** CONFIG_INVALID, with the field, for anything that `encodeAuditState` does not write. */
export function parseAuditState(bytes: Uint8Array): AuditState {
  try {
    return readState(parseJson(bytes));
  } catch (thrown) {
    if (!(thrown instanceof CheckFailed)) throw thrown;
    const { field, message } = thrown.failure;
    const where = field === '' ? '' : `${field}: `;
    throw new CountersignError('CONFIG_INVALID', `This is no state of an audit: ${where}${message}`);
  }
}

function parseJson(bytes: Uint8Array): Json {
  try {
    return JSON.parse(fromUtf8(bytes) ?? '') as Json;
  } catch {
    return fail(malformed, '', 'It is not JSON.');
  }
}

function readState(value: Json): AuditState {
  const state = fields.object(
    value,
    '',
    ['type', 'checkpoint', 'faults', 'calls', 'sessions', 'loose', 'keys'],
    ['lastTime', 'approvals'],
  );
  if (state['type'] !== auditStateType) fail(malformed, 'type', `Only ${auditStateType} is read.`);
  const calls = fields.object(state['calls'], 'calls', ['open', 'denied', 'settled']);
  const sessions = fields.object(state['sessions'], 'sessions', ['open', 'closed']);
  return {
    checkpoint: fields.string(state['checkpoint'], 'checkpoint'),
    faults: count(state, 'faults', ''),
    ...maybe('lastTime', state, '', count),
    ...maybe('approvals', state, '', readApprovals),
    calls: {
      open: each(calls, 'open', 'calls', readOpenVerdict),
      denied: digests(calls, 'denied', 'calls'),
      settled: digests(calls, 'settled', 'calls'),
    },
    sessions: {
      open: each(sessions, 'open', 'sessions', readChain),
      closed: digests(sessions, 'closed', 'sessions'),
    },
    loose: digests(state, 'loose', ''),
    keys: each(state, 'keys', '', readKeyUse),
  };
}

function readApprovals(state: JsonObject, name: string): ApprovalMemory {
  const approvals = fields.object(state[name], name, ['given', 'refused', 'used'], ['isBlind']);
  return {
    given: digests(approvals, 'given', name),
    refused: digests(approvals, 'refused', name),
    used: digests(approvals, 'used', name),
    ...maybe('isBlind', approvals, name, yes),
  };
}

const verdictFields = ['callId', 'decidedAt', 'identity', 'index', 'kind', 'sha256', 'stampedAt', 'subject'];

function readOpenVerdict(value: Json, path: string): OpenVerdict {
  const verdict = fields.object(value, path, verdictFields, ['notAfter', 'settleBy', 'tool']);
  const kind = verdict['kind'];
  if (kind !== 'allow' && kind !== 'shadow') return fail(malformed, `${path}.kind`, 'This opens no call.');
  return {
    kind,
    callId: text(verdict, 'callId', path),
    identity: text(verdict, 'identity', path),
    index: count(verdict, 'index', path),
    sha256: text(verdict, 'sha256', path),
    subject: text(verdict, 'subject', path),
    decidedAt: count(verdict, 'decidedAt', path),
    stampedAt: count(verdict, 'stampedAt', path),
    ...maybe('notAfter', verdict, path, count),
    ...maybe('settleBy', verdict, path, count),
    ...maybe('tool', verdict, path, text),
  };
}

function readChain(value: Json, path: string): Chain {
  const chain = fields.object(value, path, ['id', 'since', 'next'], ['prev']);
  return {
    id: text(chain, 'id', path),
    since: count(chain, 'since', path),
    next: count(chain, 'next', path),
    ...maybe('prev', chain, path, text),
  };
}

function readKeyUse(value: Json, path: string): KeyUse {
  const use = fields.object(value, path, ['purpose', 'sha256', 'entries'], ['first', 'last', 'announced']);
  const purpose = use['purpose'];
  if (purpose !== 'ca' && purpose !== 'ct' && purpose !== 'timestamp' && purpose !== 'log') {
    return fail(malformed, `${path}.purpose`, 'No key has this purpose.');
  }
  return {
    purpose,
    sha256: text(use, 'sha256', path),
    entries: count(use, 'entries', path),
    ...maybe('first', use, path, count),
    ...maybe('last', use, path, count),
    ...maybe('announced', use, path, count),
  };
}

function each<T>(
  object: JsonObject,
  name: string,
  path: string,
  read: (value: Json, path: string) => T,
): readonly T[] {
  const at = join(path, name);
  return fields.array(object[name], at).map((value, i) => read(value, `${at}[${i}]`));
}

function text(object: JsonObject, name: string, path: string): string {
  return fields.string(object[name], join(path, name));
}

function count(object: JsonObject, name: string, path: string): number {
  const value = object[name];
  const isCount = typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
  return isCount ? value : fail(malformed, join(path, name), 'This must be a count.');
}

function yes(object: JsonObject, name: string, path: string): true {
  return object[name] === true || fail(malformed, join(path, name), 'This must be true, or not be there.');
}

function digests(object: JsonObject, name: string, path: string): Uint8Array {
  const bytes = fromBase64(text(object, name, path));
  return bytes !== undefined && bytes.length % 16 === 0
    ? bytes
    : fail(malformed, join(path, name), 'This must be digests in base64.');
}

function maybe<K extends string, T>(
  name: K,
  object: JsonObject,
  path: string,
  read: (object: JsonObject, name: string, path: string) => T,
): { readonly [P in K]?: T } {
  return (object[name] === undefined ? {} : { [name]: read(object, name, path) }) as {
    readonly [P in K]?: T;
  };
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
