import { isGoverned, isObject, serverOfEntry, type ServerEntry } from '../doctor/host-servers.ts';
import type { AgentHost } from './agent-host.ts';
import { entryWithoutKey, type Entry } from './api-key-entry.ts';
import { readHostConfigs, type Scope } from './host-config.ts';
import { chooseServers, planHost, type HostPlan, type Judgement } from './host-plan.ts';
import { readWrapLine } from './wrap-line.ts';

export interface UninstallOptions {
  readonly host: AgentHost;
  readonly scope: Scope;
  readonly names: readonly string[] | 'all';
}

/**
 * Gives servers the command back that is behind their `countersign wrap`, and takes the API key from their entries. A backup is not
 * asked: what was changed since would be lost with it.
 *
 * @throws CountersignError `NOT_FOUND` for a name that the host does not have, `CONFIG_INVALID` for a file that is not understood.
 */
export function planUninstall({ host, scope, names }: UninstallOptions): Promise<HostPlan> {
  return planHost(host, chooseServers(host, readHostConfigs(host, scope), names), judge);
}

function judge(entry: ServerEntry, file: string): Judgement {
  const found = serverOfEntry(entry);
  if (!isGoverned(found, []) || !isObject(entry.value))
    return { state: 'unchanged', message: 'is not wrapped.' };
  const line = readWrapLine(found);
  if (line === undefined)
    return { state: 'refused', message: 'is not changed: its command line is none that is known here.' };
  if (line.server === undefined)
    return {
      state: 'refused',
      as: line.name,
      message: `is not changed: its command line does not say what the server was. Look for ${file}.bak beside it.`,
    };
  const { command, args } = line.server;
  return {
    state: 'restored',
    as: line.name,
    message: 'goes past every gate again.',
    entry: restored(entryWithoutKey(entry.value), command, args),
  };
}

/** Without arguments there was no list of them. */
function restored({ args: _, ...entry }: Entry, command: string, args: readonly string[]): Entry {
  return { ...entry, command, ...(args.length > 0 && { args }) };
}
