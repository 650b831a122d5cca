import { isGoverned, isObject, serverOfEntry, type ServerEntry } from '../doctor/host-servers.ts';
import type { ServerCommand } from '../server-ref.ts';
import type { AgentHost } from './agent-host.ts';
import { entryWithKey, hasKey, type Entry } from './api-key-entry.ts';
import { readHostConfigs, type HostConfig, type Scope } from './host-config.ts';
import { chooseServers, planHost, type HostPlan, type Judgement } from './host-plan.ts';
import { fitName, serverNames, type ServerNames } from './server-names.ts';
import { readWrapLine, wrapLine } from './wrap-line.ts';

export interface InstallOptions {
  readonly host: AgentHost;
  readonly scope: Scope;
  readonly names: readonly string[] | 'all';
  /** What starts Countersign, without `wrap`. */
  readonly program: ServerCommand;
  /** Absolute, where it is not the usual one. */
  readonly home?: string | undefined;
  /** A gate elsewhere. */
  readonly gate?: ServingGate | undefined;
  /** The API key itself, where it is to stand in the file. */
  readonly keyInFile?: string | undefined;
}

/** A gate that starts servers by itself. */
export interface ServingGate {
  readonly address: string;
  /** Its URL, where it has one. */
  readonly url?: string | undefined;
  readonly serves: (name: string) => Promise<boolean>;
}

/**
 * Puts `countersign wrap` in front of servers that a host has already. The rest of an entry stays as it is.
 *
 * @throws CountersignError `NOT_FOUND` for a name that the host does not have, `CONFIG_INVALID` for a file that is not understood.
 */
export function planInstall(options: InstallOptions): Promise<HostPlan> {
  const { host, scope, names } = options;
  const configs = readHostConfigs(host, scope);
  const known = knownNames(configs);
  return planHost(host, chooseServers(host, configs, names), (entry) => judge(options, entry, known));
}

/** Names that servers of the host have behind a gate already are taken. */
function knownNames(configs: readonly HostConfig[]): ServerNames {
  const names = serverNames();
  for (const entry of configs.flatMap(({ entries }) => entries)) {
    const { name, server } = readWrapLine(serverOfEntry(entry)) ?? {};
    if (name !== undefined && server !== undefined) names.keep(name, server);
  }
  return names;
}

async function judge(options: InstallOptions, entry: ServerEntry, names: ServerNames): Promise<Judgement> {
  const { host, gate, keyInFile } = options;
  const found = serverOfEntry(entry);
  const gates = gate?.url === undefined ? [] : [gate.url];
  if (isGoverned(found, gates))
    return { state: 'unchanged', as: readWrapLine(found)?.name, message: 'is behind a gate already.' };
  const server = commandOf(entry.value);
  if (typeof server === 'string') return refused(server);
  if (host.key.kind === 'none' && keyInFile === undefined && !hasKey(server.entry))
    return refused(`is not changed. ${host.key.instead}`);
  const as = gate === undefined ? names.choose(entry.name, server.command) : fitName(entry.name);
  if (gate && !(await gate.serves(as)))
    return refused(
      `is not changed: the gate at ${gate.address} serves no “${as}”. Put it under servers: in its countersign.yaml first.`,
    );
  const line = wrapLine({ ...options, name: as, gate: gate?.address }, server.command);
  const changed = { ...entryWithKey(server.entry, host.key, keyInFile), ...line };
  // The doctor has to agree, or what was installed would count as a way around it.
  if (!isGoverned(serverOfEntry({ ...entry, value: changed }), []))
    return refused(
      `is not changed: “${options.program.command}” would not be known as Countersign. Say --command with its path.`,
    );
  return { state: 'wrapped', as, message: `goes behind the gate, as ${as}.`, entry: changed };
}

function refused(message: string): Judgement {
  return { state: 'refused', message };
}

/** A server that is started, or the sentence that says why it cannot be wrapped. */
function commandOf(value: unknown): { readonly entry: Entry; readonly command: ServerCommand } | string {
  if (!isObject(value)) return 'is not changed: its entry is no table.';
  const { command, args = [] } = value;
  const { url } = serverOfEntry({ name: '', path: [], value });
  if (url !== undefined && command === undefined)
    return (
      'is called at a URL, and wrap starts commands. Put it under servers: in a gateway’s countersign.yaml, run countersign ' +
      'serve, and give the host that gateway’s URL, https://…/mcp/NAME, with the API key as its bearer token.'
    );
  if (url !== undefined) return 'is not changed: it has a command and a URL, and a host may take either.';
  if (typeof command !== 'string' || command === '') return 'is not changed: it has no command.';
  if (!Array.isArray(args) || !args.every((arg) => typeof arg === 'string'))
    return 'is not changed: its arguments are not all text.';
  return { entry: value, command: { command, args } };
}
