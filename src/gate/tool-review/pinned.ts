import type { Ledger, ToolRecord } from '../../ledger/ledger.ts';
import type { KnownServer } from '../acceptance.ts';
import { parseToolPin, toolPinPrefix } from '../pins.ts';

/** One definition: its exact bytes are absent where the ledger does not remember them. */
export interface Definition {
  /** Hex SHA-256 of the bytes. */
  readonly sha256: string;
  readonly bytes?: Uint8Array;
}

/** A tool whose listed definition is not the pinned one. */
export interface ToolChange {
  readonly tool: string;
  /** `vanished`: pinned, and not among what the server that goes by the name now was seen to list. */
  readonly change: 'changed' | 'new' | 'vanished';
  /** Whether an operator accepted the pinned definition. */
  readonly accepted: boolean;
  readonly pinned?: Definition;
  readonly listed?: Definition;
}

/** Every tool of a server that is listed otherwise than it is pinned, by name. */
export async function toolChanges(
  ledger: Pick<Ledger, 'tools' | 'headsUnder'>,
  server: KnownServer,
): Promise<readonly ToolChange[]> {
  const { name } = server.ref;
  const prefix = toolPinPrefix(name);
  const [records, heads] = await Promise.all([ledger.tools(name), ledger.headsUnder(prefix)]);
  const listed = new Map(server.tools.map(({ record }) => [record.tool, record]));
  const pins = new Map([...heads].map(([key, head]) => [key.slice(prefix.length), parseToolPin(head)]));
  const names = [...new Set([...pins.keys(), ...listed.keys()])].toSorted();
  return names.flatMap((tool) => {
    const pin = pins.get(tool);
    const record = listed.get(tool);
    if (pin !== undefined && pin.sha256 === record?.sha256) return [];
    return [
      {
        tool,
        change: changeOf(pin, record),
        accepted: pin?.accepted ?? false,
        ...(pin && { pinned: remembered(records, tool, pin.sha256) }),
        ...(record && { listed: { sha256: record.sha256, bytes: record.definition } }),
      },
    ];
  });
}

function changeOf(pin: unknown, record: unknown): ToolChange['change'] {
  if (pin === undefined) return 'new';
  return record === undefined ? 'vanished' : 'changed';
}

/** By digest: whichever server listed it, these are the bytes that were pinned. */
function remembered(records: readonly ToolRecord[], tool: string, sha256: string): Definition {
  const record = records.find((each) => each.tool === tool && each.sha256 === sha256);
  return { sha256, ...(record && { bytes: record.definition }) };
}
