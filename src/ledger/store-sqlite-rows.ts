import type { SQLOutputValue } from 'node:sqlite';
import { CountersignError } from '../errors.ts';
import { predicateTypes } from '../names.ts';
import type { StatementKind } from '../names.ts';
import type { LogEntry, OpenPermit, SideRow, ToolRecord } from './ledger.ts';
import type { LogHead } from './store.ts';

/** A row as SQLite gives it. STRICT tables hold the declared types; what does not fit is a damaged file. */
export type Row = Record<string, SQLOutputValue>;

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
    timestamp: bytes(row['timestamp']),
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
    name: text(row['name']),
    salt: bytes(row['salt']),
    ...(value === null ? {} : { value: bytes(value) }),
  };
}

export function toolOf(row: Row): ToolRecord {
  return {
    server: text(row['server']),
    serverDigest: text(row['server_digest']),
    tool: text(row['tool']),
    sha256: text(row['sha256']),
    definition: bytes(row['definition']),
  };
}

export function integer(value: SQLOutputValue | undefined): number {
  if (typeof value !== 'number') throw damaged();
  return value;
}

export function text(value: SQLOutputValue | undefined): string {
  if (typeof value !== 'string') throw damaged();
  return value;
}

export function bytes(value: SQLOutputValue | undefined): Uint8Array {
  if (!(value instanceof Uint8Array)) throw damaged();
  return value;
}

export function kind(value: SQLOutputValue | undefined): StatementKind {
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
