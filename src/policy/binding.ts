import type { BindingObligation } from './obligation.ts';
import type { PolicyInput } from './policy.ts';

/** How far an issuer's clock may be ahead. */
const skewMs = 30_000;

/** What a call's credentials lack of what a rule demands: for whoever can present better ones; undefined for nothing. */
export function lackingBinding(input: PolicyInput, demanded: BindingObligation): string | undefined {
  const { agent, human = {}, now } = input;
  const { human: ofHuman, agent: ofAgent, acr, amr, maxAge } = demanded;
  if (ofAgent !== undefined && !isBound(agent['binding'], ofAgent))
    return `the agent’s token must be bound to its sender (${ofAgent})`;
  if (ofHuman !== undefined && !isBound(human['binding'], ofHuman))
    return `the person’s token must be bound to its sender (${ofHuman})`;
  const by = human['amr'];
  if (acr !== undefined && !acr.some((one) => one === human['acr']))
    return `the person must log in again, with ${acr.join(' or ')}`;
  if (amr !== undefined && !amr.every((one) => Array.isArray(by) && by.includes(one)))
    return `the person must log in again, by ${amr.join(' and ')}`;
  const authTime = human['authTime'];
  const age = typeof authTime === 'number' ? Date.parse(now) - authTime * 1_000 : NaN;
  // Not `>`: an age that is not known is too old, and so is a login that is yet to come, of an issuer that counts milliseconds.
  if (maxAge !== undefined && !(age >= -skewMs && age <= maxAge))
    return `the person must have logged in within ${maxAge / 1_000} seconds`;
  return undefined;
}

function isBound(binding: unknown, demanded: 'dpop' | 'mtls' | 'bound'): boolean {
  return demanded === 'bound' ? binding === 'dpop' || binding === 'mtls' : binding === demanded;
}
