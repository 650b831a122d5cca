import { CountersignError } from '../errors.ts';

/**
 * Pins are heads of the ledger. `server/NAME` holds the digest of the server that the name belongs to;
 * `tool/NAME/TOOL` holds the digest of the tool's definition, and whether an operator accepted exactly that one.
 */
export interface ToolPin {
  readonly sha256: string;
  readonly accepted: boolean;
}

export function serverPinKey(server: string): string {
  return `server/${server}`;
}

export function toolPinPrefix(server: string): string {
  return `tool/${server}/`;
}

export function toolPinKey(server: string, tool: string): string {
  return toolPinPrefix(server) + tool;
}

export function encodeToolPin({ sha256, accepted }: ToolPin): string {
  return `${sha256} ${accepted ? 'accepted' : 'listed'}`;
}

export function parseToolPin(text: string): ToolPin {
  const match = /^([0-9a-f]{64}) (accepted|listed)$/.exec(text);
  if (!match)
    throw new CountersignError('LEDGER_CORRUPT', 'The ledger holds a tool pin that cannot be read.');
  return { sha256: match[1] ?? '', accepted: match[2] === 'accepted' };
}
