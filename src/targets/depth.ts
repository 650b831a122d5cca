import { CountersignError } from '../errors.ts';

/** Carries how many gateways stand above a process. */
export const depthVariable = 'COUNTERSIGN_DEPTH';

/** A gateway in front of a gateway can be meant; a wrapper that starts itself is stopped here. */
const deepest = 3;

type Environment = Readonly<Record<string, string | undefined>>;

/** For the gateway alone: the caller's API key, whom it calls for and under which grant, the ledger's address with its password, what opens the home's keys. */
const withheld: ReadonlySet<string> = new Set([
  'COUNTERSIGN_API_KEY',
  'COUNTERSIGN_HUMAN_TOKEN',
  'COUNTERSIGN_HUMAN_TOKEN_FILE',
  'COUNTERSIGN_GRANT',
  'COUNTERSIGN_GRANT_FILE',
  'COUNTERSIGN_LEDGER',
  'COUNTERSIGN_KEY_PASSPHRASE',
  'COUNTERSIGN_KEY_PASSPHRASE_FILE',
  'COUNTERSIGN_NEW_KEY_PASSPHRASE',
  'COUNTERSIGN_NEW_KEY_PASSPHRASE_FILE',
]);

/**
 * The environment of a wrapped server: the gateway's own, one level deeper, without what is for the gateway alone.
 *
 * @throws CountersignError `CONFIG_INVALID` when too many gateways stand above already, or the marker is no number.
 */
export function childEnvironment(environment: Environment): Record<string, string | undefined> {
  const passed = Object.entries(environment).filter(([name]) => !isWithheld(name));
  return { ...Object.fromEntries(passed), [depthVariable]: String(nextDepth(environment[depthVariable])) };
}

/** Whether a variable is for the gateway alone, and never for what it starts. */
export function isWithheld(name: string): boolean {
  // Windows takes a name in any case.
  return withheld.has(name.toUpperCase());
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
