import { CountersignError } from '../errors.ts';
import { predicateTypes } from '../names.ts';
import type { StatementKind } from '../names.ts';
import type { LogEntry, OpenPermit, SideRow, ToolRecord } from './ledger.ts';
import type { LogHead } from './store.ts';

/** A row as a database's driver gives it. */
export type Row = Readonly<Record<string, unknown>>;

/** Cells that drivers give differently. Each throws LEDGER_CORRUPT for what does not fit. */
export interface Cells {
  readonly integer: (value: unknown) => number;
  /** A name that somebody else chose. */
  readonly name: (value: unknown) => string;
}

/** Reads the rows of a ledger that is kept in tables. What does not fit is a damaged ledger. */
export function rowReader({ integer, name }: Cells) {
  return {
    headOf(row: Row | undefined): LogHead {
      if (row === undefined) throw damaged();
      const checkpoint = row['checkpoint'] ?? null;
      return {
        size: integer(row['size']),
        root: bytes(row['root']),
        checkpoint: checkpoint === null ? null : text(checkpoint),
        lastTime: integer(row['last_time']),
      };
    },
    entryOf(row: Row): LogEntry {
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
    },
    permitOf(row: Row): OpenPermit {
      return {
        callId: text(row['call_id']),
        instance: text(row['instance']),
        notAfter: integer(row['not_after']),
        logIndex: integer(row['idx']),
      };
    },
    sideRowOf(row: Row): SideRow {
      const value = row['value'] ?? null;
      return {
        name: name(row['name']),
        salt: bytes(row['salt']),
        ...(value === null ? {} : { value: bytes(value) }),
      };
    },
    toolOf(row: Row): ToolRecord {
      return {
        server: name(row['server']),
        serverDigest: name(row['server_digest']),
        tool: name(row['tool']),
        sha256: name(row['sha256']),
        definition: bytes(row['definition']),
      };
    },
  };
}

export function text(value: unknown): string {
  if (typeof value !== 'string') throw damaged();
  return value;
}

/** Plain bytes, whatever kind of array the driver gives. */
export function bytes(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw damaged();
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

export function kind(value: unknown): StatementKind {
  const name = text(value);
  if (!isKind(name)) throw damaged();
  return name;
}

function isKind(name: string): name is StatementKind {
  return Object.hasOwn(predicateTypes, name);
}

export function damaged(): CountersignError {
  return new CountersignError('LEDGER_CORRUPT', 'The ledger holds a row that cannot be read.');
}
