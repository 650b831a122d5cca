import { parseArgs } from 'node:util';
import { isGoverned, type HostServer } from '../doctor/host-servers.ts';
import type { ServerCommand } from '../server-ref.ts';
import { wrapOptions } from './wrap-options.ts';

/** What a host starts in place of a server. */
export interface WrapLine {
  /** The command that starts Countersign, without `wrap`. */
  readonly program: ServerCommand;
  /** What policy and log call the server. */
  readonly name: string;
  /** Absolute; only where it is not the usual one, as hosts with a window hand on no variables. */
  readonly home?: string | undefined;
  /** A gate elsewhere, which starts the server itself. */
  readonly gate?: string | undefined;
}

export function wrapLine({ program, name, home, gate }: WrapLine, server: ServerCommand): ServerCommand {
  const options = gate === undefined ? [] : ['--gate', gate];
  const target =
    gate === undefined
      ? [...(home === undefined ? [] : ['--home', home]), '--', server.command, ...server.args]
      : [];
  return {
    command: program.command,
    args: [...program.args, 'wrap', ...options, '--name', name, ...target],
  };
}

/** What a wrapped command line says. */
export interface ReadWrapLine {
  readonly name?: string | undefined;
  /** Absent where the command line does not tell what the server is. */
  readonly server?: ServerCommand | undefined;
}

/** Undefined for what is no command line of `countersign wrap` that this version has. */
export function readWrapLine(found: HostServer): ReadWrapLine | undefined {
  if (found.command === undefined || !isGoverned(found, [])) return undefined;
  const line = found.args.slice(found.args.indexOf('wrap') + 1);
  const dashes = line.indexOf('--');
  const [command, ...args] = dashes < 0 ? [] : line.slice(dashes + 1);
  const name = nameOf(dashes < 0 ? line : line.slice(0, dashes));
  if (name === undefined) return undefined;
  return { name: name.name, server: command === undefined ? undefined : { command, args } };
}

function nameOf(line: string[]): { readonly name: string | undefined } | undefined {
  try {
    const { values } = parseArgs({ args: line, options: wrapOptions });
    return { name: values.name ?? values.server };
  } catch {
    return undefined;
  }
}
