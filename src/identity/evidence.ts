import { CountersignError } from '../errors.ts';
import type { ApiKeyRecord } from './api-key.ts';
import type { Location, NetworkMap } from './network.ts';
import type { Attribute, Credentials, Device, Human, Network, Principal, Refusal } from './principal.ts';
import type { ClaimedDevice } from './read-claims.ts';
import type { TokenVerifier } from './token-verifier.ts';

/** What is believed beside an API key. Evidence of a kind that is absent here is not looked at, and proves nothing. */
export interface Evidence {
  readonly humans?: TokenVerifier<Human>;
  readonly devices?: TokenVerifier<ClaimedDevice>;
  readonly network?: NetworkMap;
}

/** What evidence adds to the agent that a key speaks for. */
export type Proven = Pick<Principal, 'human' | 'device' | 'network' | 'refusal'> & {
  /** Wall milliseconds at which the earliest token ends. */
  readonly expiresAt?: number;
};

/** Where the call comes from, and whether the key is for there. Nothing is waited for. */
export function proveNetwork(
  { network }: Pick<Evidence, 'network'>,
  { cidrs, id }: ApiKeyRecord,
  { peer }: Credentials,
  now: number,
): Proven {
  const location = network?.hasZones && peer ? { network: locationAttribute(network.locate(peer), now) } : {};
  const isFromThere = cidrs === undefined || (peer !== undefined && network?.isWithin(peer, cidrs) === true);
  return isFromThere ? location : { ...location, refusal: keyFromElsewhere(id) };
}

function keyFromElsewhere(id: string): Refusal {
  return { code: 'KEY_NETWORK_REFUSED', message: `The API key ${id} does not count from this network.` };
}

function locationAttribute({ source, ...value }: Location, now: number): Attribute<Network> {
  return attribute(value, source, now);
}

/** Whether there is anything for `proveTokens` to look at. */
export function bringsTokens({ humans, devices }: Evidence, credentials: Credentials): boolean {
  return (
    (humans !== undefined && isGiven(credentials.humanToken)) ||
    (devices !== undefined && isGiven(credentials.deviceToken))
  );
}

/** Human and device, by their tokens; at the first that does not hold, a refusal. */
export async function proveTokens(
  { humans, devices }: Evidence,
  { tenant }: ApiKeyRecord,
  { humanToken, deviceToken }: Credentials,
  now: number,
): Promise<Proven> {
  try {
    const human = humans && isGiven(humanToken) ? await humans.verify(humanToken, tenant, now) : undefined;
    if (human && human.value.tenant !== tenant) return { refusal: strangers.human };
    const device =
      devices && isGiven(deviceToken) ? await devices.verify(deviceToken, tenant, now) : undefined;
    if (device && device.value.tenant !== tenant) return { refusal: strangers.device };
    return {
      ...(human && { human: attribute(human.value, 'token', now) }),
      ...(device && { device: attribute(deviceOf(device.value), 'posture-token', now) }),
      expiresAt: Math.min(human?.expiresAt ?? Infinity, device?.expiresAt ?? Infinity),
    };
  } catch (error) {
    if (error instanceof CountersignError) return { refusal: { code: error.code, message: error.message } };
    throw error;
  }
}

const strangers = {
  human: { code: 'HUMAN_TENANT_REFUSED', message: 'The human belongs to another tenant than the API key.' },
  device: {
    code: 'DEVICE_TENANT_REFUSED',
    message: 'The device belongs to another tenant than the API key.',
  },
} as const;

function deviceOf({ id, trust }: ClaimedDevice): Device {
  return { id, trust };
}

function isGiven(token: string | undefined): token is string {
  return token !== undefined && token !== '';
}

function attribute<T>(value: T, source: string, now: number): Attribute<T> {
  return { value, source, verified: true, observedAt: new Date(now).toISOString() };
}
