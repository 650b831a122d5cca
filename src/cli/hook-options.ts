import { resolve } from 'node:path';
import type { GateAddress } from '../runtime/connect/gate-address.ts';
import { knownHosts, type HookHost } from '../runtime/hook/known-hosts.ts';
import { gateFlags, gateWords, type GateValues } from './gate-options.ts';
import type { Io } from './io.ts';
import { usage } from './report.ts';

/** What a hook is told on its command line: read when it runs, and checked when it is installed. */
export const hookFlags = {
  ...gateFlags,
  home: { type: 'string' },
  approve: { type: 'boolean', default: false },
  envelopes: { type: 'string' },
  timeout: { type: 'string' },
} as const;

export interface HookValues extends GateValues {
  readonly home?: string | undefined;
  readonly approve: boolean;
  readonly envelopes?: string | undefined;
  readonly timeout?: string | undefined;
}

export interface HookWords {
  readonly host: HookHost;
  readonly gate: GateAddress | undefined;
  readonly identity: string | undefined;
  readonly ca: string | undefined;
  readonly envelopes: string | undefined;
  /** Seconds. */
  readonly timeout: number;
}

export function requireHost(name: string | undefined): HookHost {
  const known = [...knownHosts.keys()].join(', ');
  if (name === undefined) throw usage(`Say which coding agent asks: ${known}.`);
  const host = knownHosts.get(name);
  if (host === undefined) throw usage(`There is no host “${name}”. Known are ${known}.`);
  return host;
}

/** Throws USAGE for what does not fit together. */
export function hookWords(host: HookHost, values: HookValues, { cwd }: Pick<Io, 'cwd'>): HookWords {
  const elsewhere = gateWords(values, { cwd });
  if (values.approve && host.says.approve === undefined)
    throw usage(`${host.name} does not take that from a hook: leave --approve out.`);
  return {
    host,
    gate: elsewhere?.address,
    identity: elsewhere?.identity,
    ca: elsewhere?.ca,
    envelopes: values.envelopes === undefined ? undefined : resolve(cwd, values.envelopes),
    timeout: timeoutOf(host, values.timeout),
  };
}

/** Well before the host gives up: then it would go on. */
function timeoutOf({ timeout, hostTimeout }: HookHost, given: string | undefined): number {
  if (given === undefined) return timeout;
  const seconds = /^\d{1,3}$/.test(given) ? Number(given) : 0;
  const most = hostTimeout - 5;
  if (seconds < 1 || seconds > most)
    throw usage(`--timeout is a number of seconds, at most ${most}: the host itself waits ${hostTimeout}.`);
  return seconds;
}
