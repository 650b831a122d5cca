import type { ServerCommand } from '../server-ref.ts';

const longest = 64;

/** What policy can call a server that a host calls `name`. */
export function fitName(name: string): string {
  const fit = name.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replace(/^[._-]+/, '');
  return fit.replace(/-+$/, '').slice(0, longest) || 'server';
}

/** Names for servers of which none must be two things: a name belongs to the command line that first had it. */
export interface ServerNames {
  /** For one that has its name already. */
  keep(name: string, server: ServerCommand): void;
  choose(name: string, server: ServerCommand): string;
}

export function serverNames(): ServerNames {
  const taken = new Map<string, string>();
  const identity = ({ command, args }: ServerCommand): string => JSON.stringify([command, ...args]);
  const isFree = (name: string, server: ServerCommand): boolean =>
    (taken.get(name) ?? identity(server)) === identity(server);
  return {
    keep: (name, server) => {
      if (!taken.has(name)) taken.set(name, identity(server));
    },
    choose(name, server) {
      const fit = fitName(name);
      for (let number = 1; ; number += 1) {
        const suffix = number === 1 ? '' : `-${number}`;
        const candidate = fit.slice(0, longest - suffix.length) + suffix;
        if (!isFree(candidate, server)) continue;
        taken.set(candidate, identity(server));
        return candidate;
      }
    },
  };
}
