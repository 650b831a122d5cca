import { CountersignError } from '../errors.ts';

/** Carries how many gateways stand above a process. */
export const depthVariable = 'COUNTERSIGN_DEPTH';

/** A gateway in front of a gateway can be meant; a wrapper that starts itself is stopped here. */
const deepest = 3;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The environment of a wrapped server: the gateway's own, one level deeper, without the caller's API key and the ledger's
 * address, which may hold a password: both are for the gateway alone.
 *
 * @throws CountersignError `CONFIG_INVALID` when too many gateways stand above already, or the marker is no number.
 */
export function childEnvironment(environment: Environment): Record<string, string | undefined> {
  const { COUNTERSIGN_API_KEY: _key, COUNTERSIGN_LEDGER: _ledger, ...passed } = environment;
  return { ...passed, [depthVariable]: String(nextDepth(environment[depthVariable])) };
}

/** The depth of a process that is started below one whose marker is `marker`. */
export function nextDepth(marker: string | undefined): number {
  if (marker !== undefined && !/^\d{1,3}$/.test(marker)) {
    throw new CountersignError(
      'CONFIG_INVALID',
      `${depthVariable} is set to something that is no small number.`,
    );
  }
  const depth = marker === undefined ? 1 : Number(marker) + 1;
  if (depth > deepest) {
    throw new CountersignError(
      'CONFIG_INVALID',
      `${deepest} gateways stand above this one already: does a wrapped command start its own wrapper?`,
    );
  }
  return depth;
}
