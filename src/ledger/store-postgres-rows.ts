import { fromUtf8 } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import { predicateTypes } from '../names.ts';
import type { StatementKind } from '../names.ts';
import type { LogEntry, OpenPermit, SideRow, ToolRecord } from './ledger.ts';
import type { Row } from './store-postgres-session.ts';
import type { LogHead } from './store.ts';

/** Rows as the driver gives them: bigint as text, bytea as bytes. What does not fit is a damaged ledger. */
export function headOf(row: Row | undefined): LogHead {
  if (row === undefined) throw damaged();
  const checkpoint = row['checkpoint'] ?? null;
  return {
    size: integer(row['size']),
    root: bytes(row['root']),
    checkpoint: checkpoint === null ? null : text(checkpoint),
    lastTime: integer(row['last_time']),
  };
}

export function entryOf(row: Row): LogEntry {
  const callId = row['call_id'] ?? null;
  return {
    index: integer(row['idx']),
    kind: kind(row['kind']),
    callId: callId === null ? null : text(callId),
    time: integer(row['time']),
    leaf: bytes(row['leaf']),
    payload: bytes(row['payload']),
    timestamp: bytes(row['token']),
  };
}

export function permitOf(row: Row): OpenPermit {
  return {
    callId: text(row['call_id']),
    instance: text(row['instance']),
    notAfter: integer(row['not_after']),
    logIndex: integer(row['idx']),
  };
}

export function sideRowOf(row: Row): SideRow {
  const value = row['value'] ?? null;
  return {
    name: textOfBytes(row['name']),
    salt: bytes(row['salt']),
    ...(value === null ? {} : { value: bytes(value) }),
  };
}

export function toolOf(row: Row): ToolRecord {
  return {
    server: textOfBytes(row['server']),
    serverDigest: textOfBytes(row['server_digest']),
    tool: textOfBytes(row['tool']),
    sha256: textOfBytes(row['sha256']),
    definition: bytes(row['definition']),
  };
}

export function headsOf(rows: readonly Row[]): Map<string, string> {
  return new Map(rows.map((row) => [textOfBytes(row['key']), textOfBytes(row['value'])]));
}

export function integer(value: unknown): number {
  const number = typeof value === 'string' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) throw damaged();
  return number;
}

export function text(value: unknown): string {
  if (typeof value !== 'string') throw damaged();
  return value;
}

export function bytes(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw damaged();
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

function textOfBytes(value: unknown): string {
  return fromUtf8(bytes(value)) ?? '';
}

function kind(value: unknown): StatementKind {
  const name = text(value);
  if (!isKind(name)) throw damaged();
  return name;
}

function isKind(name: string): name is StatementKind {
  return Object.hasOwn(predicateTypes, name);
}

function damaged(): CountersignError {
  return new CountersignError('LEDGER_CORRUPT', 'The ledger holds a row that cannot be read.');
}
