import { CountersignError } from '../../errors.ts';
import type { ServerEntry } from '../doctor/host-servers.ts';
import type { AgentHost } from './agent-host.ts';
import { withInputs, type Entry } from './api-key-entry.ts';
import { withValue } from './changes.ts';
import type { EditPlan } from './edit-file.ts';
import { planConfig, type HostConfig } from './host-config.ts';

/** What becomes of one server of a host. */
export interface ServerChange {
  readonly name: string;
  readonly host: string;
  readonly file: string;
  /** The folder of the project that alone sees it, where the file is for several. */
  readonly project?: string;
  /** `unchanged`: it is as wanted already. `refused`: it cannot be changed here, and stays. */
  readonly state: 'wrapped' | 'restored' | 'unchanged' | 'refused';
  /** What policy and log call it. */
  readonly as?: string | undefined;
  /** A sentence. */
  readonly message: string;
}

export interface HostPlan {
  /** Nothing is written yet: `applyEdit` does. */
  readonly edits: readonly EditPlan[];
  readonly servers: readonly ServerChange[];
}

/** What is to become of an entry; without `entry` it stays. */
export interface Judgement extends Pick<ServerChange, 'state' | 'message' | 'as'> {
  readonly entry?: Entry;
}

/** The servers that are meant. @throws CountersignError `NOT_FOUND` when one that was named is nowhere: nothing is changed then. */
export function chooseServers(
  host: AgentHost,
  configs: readonly HostConfig[],
  names: readonly string[] | 'all',
): readonly HostConfig[] {
  const known = new Set(configs.flatMap(({ entries }) => entries.map(({ name }) => name)));
  const missing = names === 'all' ? [] : names.filter((name) => !known.has(name));
  if (missing.length > 0) {
    const others = known.size > 0 ? `it has ${[...known].join(', ')}` : 'it has none';
    throw new CountersignError(
      'NOT_FOUND',
      `${host.title} has no MCP server ${missing.join(', ')} here; ${others}.`.replaceAll(
        /\p{C}/gu,
        '\u{fffd}',
      ),
    );
  }
  if (names === 'all') return configs;
  return configs.map((config) => ({
    ...config,
    entries: config.entries.filter(({ name }) => names.includes(name)),
  }));
}

/** Asks about each server in turn, and works out what becomes of the files. */
export async function planHost(
  host: AgentHost,
  configs: readonly HostConfig[],
  judge: (entry: ServerEntry, file: string) => Judgement | Promise<Judgement>,
): Promise<HostPlan> {
  const servers: ServerChange[] = [];
  const edits: EditPlan[] = [];
  for (const config of configs) {
    let root = config.root;
    for (const entry of config.entries) {
      const { entry: changed, ...judged } = await judge(entry, config.file.path);
      if (changed !== undefined) root = withValue(root, entry.path, changed);
      const project = entry.project === undefined ? {} : { project: entry.project };
      servers.push({ name: entry.name, host: host.title, file: config.file.path, ...project, ...judged });
    }
    if (root !== config.root) edits.push(planConfig(config, withInputs(root, host.key)));
  }
  return { edits, servers };
}
