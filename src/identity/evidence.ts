import { CountersignError } from '../errors.ts';
import { agentOfKey, provenAgent, type KeyHolder } from './agent-proof.ts';
import type { ApiKeyRecord } from './api-key.ts';
import { attribute } from './attribute.ts';
import { provenDevice } from './device-proof.ts';
import { presentedCertificate, type PresentedCertificate } from './possession/forwarded-certificate.ts';
import type { GranterSource } from './grants/granter.ts';
import { provenHuman } from './human-proof.ts';
import type { Location, NetworkMap } from './network.ts';
import type { CertificateVerifier } from './possession/possession.ts';
import type { Agent, Attribute, Credentials, DpopProof, Network, Principal, Refusal } from './principal.ts';
import type { ClaimedAgent } from './tokens/read-agent.ts';
import type { ClaimedDevice, ClaimedHuman } from './tokens/read-claims.ts';
import type { TokenVerifier, VerifiedToken } from './tokens/token-verifier.ts';

/** What is believed beside an API key. Evidence of a kind that is absent here is not looked at, and proves nothing. */
export interface Evidence {
  readonly agents?: TokenVerifier<ClaimedAgent>;
  readonly humans?: TokenVerifier<ClaimedHuman>;
  readonly devices?: TokenVerifier<ClaimedDevice>;
  /** Whose client certificates say which agent or device calls. */
  readonly certificates?: CertificateVerifier;
  readonly network?: NetworkMap;
  /** Whose grants count. Where nobody’s do, a call that brings one is refused. */
  readonly granters?: GranterSource;
  /** Agents whose calls count under a grant alone, by name or SPIFFE ID. */
  readonly grantsRequired?: readonly string[];
}

/** What evidence makes of the holder of a key. */
export type Proven = Pick<Principal, 'agent' | 'human' | 'device' | 'refusal' | 'limits' | 'grants'> & {
  /** Wall milliseconds at which the earliest proof ends. */
  readonly expiresAt?: number;
};

/** Where the call comes from, and whether the key is for there. Nothing is waited for. */
export function proveNetwork(
  { network }: Pick<Evidence, 'network'>,
  { cidrs, id }: ApiKeyRecord,
  { peer }: Credentials,
  now: number,
): Pick<Principal, 'network' | 'refusal'> {
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

/** Whether there is anything beside the key for `proveCredentials` to look at. */
export function bringsProofs(
  { agents, humans, devices, certificates }: Evidence,
  given: Credentials,
): boolean {
  const { agentToken, humanToken, deviceToken, peer } = given;
  return (
    (agents !== undefined && isGiven(agentToken)) ||
    (humans !== undefined && isGiven(humanToken)) ||
    (devices !== undefined && isGiven(deviceToken)) ||
    (certificates !== undefined &&
      (peer?.certificate !== undefined || peer?.forwardedCertificate !== undefined))
  );
}

/** A key that comes alone: its one agent, or none that could be told. */
export function proveKey(key: KeyHolder, now: number): Proven {
  try {
    return { agent: provenAgent(key, {}, now) };
  } catch (error) {
    return { agent: agentOfKey(key, now), refusal: refusalOf(error) };
  }
}

/**
 * Agent, human and device, by whatever came with the key; at the first that does not hold, a refusal. The agent comes first: a person's
 * token is asked whether it is for that agent. What has an end counts until the first of the ends.
 */
export async function proveCredentials(
  evidence: Evidence,
  key: KeyHolder,
  credentials: Credentials,
  now: number,
): Promise<Proven> {
  let agent: Attribute<Agent> = { ...agentOfKey(key, now), verified: false };
  try {
    const shown = shownWith(evidence, credentials);
    const certificate = await certificateOf(evidence, shown, now);
    const verify = <T>(
      verifier: TokenVerifier<T> | undefined,
      token: string | undefined,
      proof?: DpopProof,
    ) => verifyToken(verifier, token, key.record.tenant, { ...shown, proof }, now);

    const agentToken = await verify(evidence.agents, credentials.agentToken, credentials.agentProof);
    agent = provenAgent(key, { certificate, token: agentToken }, now);
    const humanToken = await verify(evidence.humans, credentials.humanToken, credentials.humanProof);
    const human = humanToken && provenHuman(key, humanToken, agent.value, now);
    const deviceToken = await verify(evidence.devices, credentials.deviceToken);
    const device = provenDevice(key, { certificate, token: deviceToken }, now);

    const limit = humanToken?.value.delegation?.limit;
    return {
      agent,
      ...(human && { human }),
      ...(device && { device }),
      ...(limit && { limits: [limit] }),
      expiresAt: earliestEnd(certificate, agentToken, humanToken, deviceToken),
    };
  } catch (error) {
    return { agent, refusal: refusalOf(error) };
  }
}

/** A token of a kind about which nobody is believed is not looked at. */
async function verifyToken<T>(
  verifier: TokenVerifier<T> | undefined,
  token: string | undefined,
  tenant: string,
  shown: Shown & { readonly proof: DpopProof | undefined },
  now: number,
): Promise<VerifiedToken<T> | undefined> {
  return verifier && isGiven(token) ? verifier.verify(token, tenant, now, shown) : undefined;
}

type Shown = Partial<PresentedCertificate>;

function shownWith({ network }: Evidence, { peer }: Credentials): Shown {
  return (peer && presentedCertificate(peer, network)) ?? {};
}

function certificateOf(
  { certificates }: Evidence,
  { certificate, chain = [] }: Shown,
  now: number,
): ReturnType<CertificateVerifier['verify']> | undefined {
  return certificate && certificates?.verify(certificate, chain, now);
}

function earliestEnd(...proofs: readonly ({ readonly expiresAt: number } | undefined)[]): number {
  return proofs.reduce((end, proof) => Math.min(end, proof?.expiresAt ?? Infinity), Infinity);
}

/** What does not hold is a finding about the key’s holder. What is wrong with us is not. */
function refusalOf(error: unknown): Refusal {
  if (error instanceof CountersignError) return { code: error.code, message: error.message };
  throw error;
}

function isGiven(token: string | undefined): token is string {
  return token !== undefined && token !== '';
}
