import { parse } from 'smol-toml';
import { isTexts } from '../../call/json.ts';
import { entriesAt, isObject, serverOfEntry, type HostServer, type ServerEntry } from './host-servers.ts';

/** The one table of a Codex configuration that says what is started. */
const table = 'mcp_servers';

/**
 * The servers of a Codex configuration, however TOML spells them. Where it is no TOML, where a command or its arguments are no text, or
 * where another table speaks of `mcp_servers`, the answer is undefined, and a person has to look.
 */
export function readCodexServers(text: string): readonly HostServer[] | undefined {
  try {
    return serverEntriesOfToml(parse(text))?.map(serverOfEntry);
  } catch {
    // A parser's message may quote what it read.
    return undefined;
  }
}

/** The same with the place of each; undefined as above. */
export function serverEntriesOfToml(root: unknown): readonly ServerEntry[] | undefined {
  if (!isObject(root)) return undefined;
  const { [table]: servers, ...rest } = root;
  if (speaksOfServers(rest)) return undefined;
  if (servers === undefined) return [];
  if (!isObject(servers) || !Object.values(servers).every(isServer)) return undefined;
  return entriesAt(root, [table]);
}

function isServer(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { command = '', url = '', args = [] } = value;
  return typeof command === 'string' && typeof url === 'string' && isTexts(args);
}

function speaksOfServers(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(speaksOfServers);
  if (!isObject(value)) return false;
  return Object.hasOwn(value, table) || Object.values(value).some(speaksOfServers);
}
