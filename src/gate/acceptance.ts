import type { ServerRef } from '../call/call.ts';
import { CountersignError } from '../errors.ts';
import type { Ledger, ToolRecord } from '../ledger/ledger.ts';
import type { Change } from './changes.ts';
import {
  encodeToolPin,
  parseToolPin,
  serverPinKey,
  toolPinKey,
  toolPinPrefix,
  type ToolPin,
} from './pins.ts';

/** The record that stands for a server itself: its `definition` is the resolved command line or URL. */
export const serverItself = '';

/** A tool as its server listed it last, and what is pinned of it. */
export interface KnownTool {
  readonly record: ToolRecord;
  readonly pin: ToolPin | undefined;
  readonly state: 'accepted' | 'listed' | 'changed' | 'new';
}

/** What the ledger knows of one server name. */
export interface KnownServer {
  readonly ref: ServerRef;
  /** The resolved command line or URL, as JSON. */
  readonly command: Uint8Array | undefined;
  /** The digest that the name belongs to; another than `ref.digest` when the command has changed since. */
  readonly pinned: string | undefined;
  readonly tools: readonly KnownTool[];
}

/** Reads what was last listed under a server name; throws NOT_FOUND for a name that no gate has seen. */
export async function knownServer(ledger: Ledger, name: string): Promise<KnownServer> {
  const records = await ledger.tools(name);
  const newest = records.at(-1);
  if (!newest) {
    throw new CountersignError(
      'NOT_FOUND',
      `No server named “${name}” has been seen yet. Start it once with: countersign wrap --name ${name} -- COMMAND`,
    );
  }
  const heads = await readHeads(ledger, name);
  const pinned = heads.get(serverPinKey(name));
  const current = new Map<string, ToolRecord>();
  for (const record of records)
    if (record.serverDigest === newest.serverDigest) current.set(record.tool, record);
  const command = current.get(serverItself)?.definition;
  current.delete(serverItself);
  return {
    ref: { name, digest: newest.serverDigest },
    command,
    pinned,
    tools: [...current.values()].map((record) =>
      knownTool(record, heads.get(toolPinKey(name, record.tool)), pinned),
    ),
  };
}

function knownTool(record: ToolRecord, head: string | undefined, serverPin: string | undefined): KnownTool {
  const pin = head === undefined || serverPin !== record.serverDigest ? undefined : parseToolPin(head);
  if (!pin) return { record, pin, state: 'new' };
  if (pin.sha256 !== record.sha256) return { record, pin, state: 'changed' };
  return { record, pin, state: pin.accepted ? 'accepted' : 'listed' };
}

/**
 * The change that accepts exactly these definitions. When the name moves to another server, nothing that was accepted
 * of the old one is inherited.
 */
export async function acceptTools(
  ledger: Ledger,
  server: KnownServer,
  tools: readonly KnownTool[],
): Promise<Change> {
  const { name, digest } = server.ref;
  const heads = await readHeads(ledger, name);
  // By what is expected below, and not by what was read before somebody was asked.
  const pinned = heads.get(serverPinKey(name));
  const moved = pinned !== undefined && pinned !== digest;
  const sets = new Map<string, string | null>([[serverPinKey(name), digest]]);
  if (moved) for (const key of heads.keys()) if (key !== serverPinKey(name)) sets.set(key, null);
  for (const { record } of tools) {
    sets.set(toolPinKey(name, record.tool), encodeToolPin({ sha256: record.sha256, accepted: true }));
  }
  return {
    change: {
      kind: 'tools-accepted',
      server: { name, digest: { sha256: digest } },
      tools: tools.map(({ record }) => ({ name: record.tool, definition: { sha256: record.sha256 } })),
    },
    expects: [...sets.keys()].map((key) => ({ key, value: heads.get(key) ?? null })),
    sets: [...sets].map(([key, value]) => ({ key, value })),
  };
}

async function readHeads(ledger: Ledger, name: string): Promise<ReadonlyMap<string, string>> {
  const [tools, server] = await Promise.all([
    ledger.headsUnder(toolPinPrefix(name)),
    ledger.heads([serverPinKey(name)]),
  ]);
  return new Map([...tools, ...server]);
}
