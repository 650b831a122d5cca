import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { systemCode } from '../errors.ts';
import { parseGateAddress, type GateAddress } from '../runtime/connect/gate-address.ts';
import type { Io } from './io.ts';
import { usage } from './report.ts';

/** How a gate elsewhere is reached, for every command that asks one. */
export const gateFlags = {
  gate: { type: 'string' },
  identity: { type: 'string' },
  ca: { type: 'string' },
} as const;

export type GateValues = Readonly<Partial<Record<keyof typeof gateFlags, string>>>;

export interface GateWords {
  readonly address: GateAddress;
  /** The folder of `countersign enroll`; absolute. */
  readonly identity: string | undefined;
  /** A file of authorities; absolute. */
  readonly ca: string | undefined;
}

/** Undefined where no gate elsewhere was named. Throws USAGE for what does not fit together. */
export function gateWords(
  { gate, identity, ca }: GateValues,
  { cwd }: Pick<Io, 'cwd'>,
): GateWords | undefined {
  const isForTls = (identity ?? ca) !== undefined;
  if (gate === undefined) {
    if (isForTls)
      throw usage('--identity and --ca say how a gate elsewhere is reached: they go with --gate.');
    return undefined;
  }
  const address = parseGateAddress(gate, cwd);
  if (isForTls && !address.base.startsWith('https:'))
    throw usage('--identity and --ca are for TLS: the gate is at https://… then.');
  const at = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : resolve(cwd, path);
  return { address, identity: at(identity), ca: at(ca) };
}

/** What is the gate's own affair: who says it beside --gate would believe that it counts. Throws USAGE. */
export function refuseBesideGate(
  values: Readonly<Record<string, string | readonly string[] | boolean | undefined>>,
  options: readonly string[],
): void {
  const idle = options.find((option) => isGiven(values[option]));
  if (idle !== undefined) throw usage(`With --gate there is no --${idle}: the gate has its own.`);
}

/** An option that can be said more than once is a list, and empty where it was not said. */
function isGiven(value: string | readonly string[] | boolean | undefined): boolean {
  return typeof value === 'object' ? value.length > 0 : typeof value === 'string' || value === true;
}

/** Authorities that are believed of a gate, PEM. Throws USAGE for a file that cannot be read. */
export function readAuthorities(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw usage(`${file} cannot be read (${systemCode(error)}).`);
  }
}
