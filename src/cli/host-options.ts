import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { agentHosts, isHostId, type AgentHost } from '../runtime/hosts/agent-host.ts';
import type { Scope } from '../runtime/hosts/host-config.ts';
import type { Io } from './io.ts';
import { usage } from './report.ts';

/** What both commands that change a host's configuration are told. */
export interface HostWords {
  readonly host: AgentHost;
  readonly names: readonly string[] | 'all';
  readonly scope: Scope;
}

export interface HostFlags {
  readonly all: boolean;
  readonly user: boolean;
  readonly project?: string | undefined;
}

export const hostFlags = {
  all: { type: 'boolean', default: false },
  user: { type: 'boolean', default: false },
  project: { type: 'string' },
  'dry-run': { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

/** Reads `HOST NAME…`, or `HOST --all`. */
export function hostWords(
  command: string,
  [id, ...names]: readonly string[],
  { all, user, project }: HostFlags,
  io: Io,
): HostWords {
  const known = Object.keys(agentHosts).join(', ');
  if (id === undefined) throw usage(`${command} needs the name of a host: ${known}.`);
  if (!isHostId(id)) throw usage(`There is no host “${id}”. Known are ${known}.`);
  if (all === names.length > 0) throw usage('Name the servers, or say --all.');
  if (user && project !== undefined) throw usage('Say --user or --project, not both.');
  return {
    host: agentHosts[id],
    names: all ? 'all' : names,
    scope: {
      where: {
        home: io.env['HOME'] || homedir(),
        project: resolve(io.cwd, project ?? '.'),
        platform: process.platform,
        env: io.env,
      },
      only: user ? 'user' : project === undefined ? undefined : 'project',
    },
  };
}
