import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { toCountersignError } from '../../errors.ts';
import { readConfig } from '../config/read.ts';
import type { Config } from '../config/schema.ts';
import { assertGuardedSocket } from '../connect/gate-address.ts';
import type { HomeLayout } from '../home/home-layout.ts';
import { assertIsolated } from '../serve/isolation.ts';
import { access } from './check-home.ts';
import { findings, type Finding } from './finding.ts';

const { ok, note, problem } = findings('gateway');

export interface GatewayFiles {
  /** Absolute. */
  readonly configFile: string;
  readonly layout: HomeLayout;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Whether others can change a gateway’s configuration or policies, answer in its place, or make its mode untrue. */
export function checkGateway({ configFile, layout, env }: GatewayFiles): readonly Finding[] {
  let config: Config;
  try {
    config = readConfig({ name: configFile, text: readFileSync(configFile, 'utf8'), env });
  } catch (error) {
    const { message } = toCountersignError(error, 'CONFIG_INVALID', 'It cannot be read.');
    return [problem(configFile, message)];
  }
  const folder = dirname(configFile);
  const policies = config.policies.map((file) => resolve(folder, file));
  // The policy of a home is looked at with the home.
  const files = [configFile, ...policies];
  const socket = config.listen.socket && resolve(folder, config.listen.socket);
  const listen = socket === undefined ? config.listen : { ...config.listen, socket };
  return [
    ...files
      .flatMap((file) => access(file, 0o022, 'change'))
      .map((found) => ({ ...found, about: 'gateway' as const })),
    ...(socket === undefined || !existsSync(socket) ? [] : checkSocket(socket)),
    config.mode === 'isolated'
      ? claim(configFile, () =>
          assertIsolated({
            layout,
            files: [...files, ...(policies.length > 0 ? [] : [layout.policy])],
            listen,
          }),
        )
      : note(configFile, 'serves in the mode same-user: who runs as its user can go around it.'),
  ];
}

/** Whether only the gate can be what answers at a socket. */
export function checkSocket(path: string): readonly Finding[] {
  const guard = claim(path, () => assertGuardedSocket(path));
  if (guard.level === 'problem') return [guard];
  return (statSync(path).mode & 0o007) === 0
    ? [guard]
    : [guard, problem(path, `everybody may connect to it. Take that from them with: chmod o= ${path}`)];
}

function claim(subject: string, holds: () => void): Finding {
  try {
    holds();
    return ok(subject, 'is guarded: nobody else can take its place.');
  } catch (error) {
    return problem(subject, toCountersignError(error, 'INTERNAL', 'It cannot be looked at.').message);
  }
}
