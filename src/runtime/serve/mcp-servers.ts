import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CountersignError } from '../../errors.ts';
import { openStdioPipe } from '../../gateway/mcp-stdio-pipe.ts';
import { childEnvironment, depthVariable } from '../../targets/depth.ts';
import type { Config } from '../config/schema.ts';
import { resolveServer } from '../server-ref.ts';
import { openedMethods, placeOf, urlServer, type DeclaredServer } from './mcp-url-server.ts';

export type { DeclaredServer } from './mcp-url-server.ts';

export interface DeclareServersOptions {
  /** The folder of the configuration, absolute. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

type ServerConfig = Config['servers'][string];
type CommandServer = Extract<ServerConfig, { command: string }>;

/** Bytes of one message of a child. */
const maxFrameBytes = 16 << 20;

/**
 * Reads the servers of a configuration. Nothing is started or asked.
 *
 * @throws CountersignError `CONFIG_INVALID`
 */
export function declareServers(
  declared: Config['servers'],
  options: DeclareServersOptions,
): ReadonlyMap<string, DeclaredServer> {
  return new Map(
    Object.entries(declared).map(([name, server]) => [
      name,
      'command' in server
        ? commandServer(name, server, options)
        : urlServer(name, server, (file) => readKey(resolve(options.folder, file))),
    ]),
  );
}

/** Opened once, so that a wrong one is noticed before it serves. */
function readKey(file: string): string {
  try {
    const text = readFileSync(file, 'utf8');
    createPrivateKey(text);
    return text;
  } catch {
    throw new CountersignError('CONFIG_INVALID', `${file} cannot be read as a private key.`);
  }
}

function commandServer(
  name: string,
  { command, args, env, cwd, relay }: CommandServer,
  { folder, env: own }: DeclareServersOptions,
): DeclaredServer {
  const inherited = childEnvironment(own);
  const environment: Record<string, string | undefined> = {
    ...inherited,
    ...env,
    [depthVariable]: inherited[depthVariable],
  };
  const where = { cwd: cwd === undefined ? folder : resolve(folder, cwd), path: environment['PATH'] };
  const { ref, resolved } = resolveServer(name, { command, args }, where);
  return {
    server: ref,
    place: placeOf({ command: resolved.command, args: [...resolved.args] }),
    opened: openedMethods(name, relay),
    transport: {
      kind: 'pipe',
      connect: (onFrame) =>
        Promise.resolve(
          openStdioPipe({
            commandLine: { command, args, environment, cwd: where.cwd },
            maxFrameBytes,
            onFrame,
          }),
        ),
    },
  };
}
