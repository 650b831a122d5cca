import type { Call, ToolStanding } from '../call/call.ts';
import type { JsonObject } from '../call/json.ts';
import type { Human, Principal, Refusal } from '../identity/principal.ts';
import type { RevocationState } from '../identity/revocation/revocation.ts';
import { revokedBy } from '../identity/revocation/revoked-by.ts';
import type { ReasonCode } from '../names.ts';
import type { Decision, Policy, PolicyInput } from '../policy/policy.ts';
import { refusedByGrants } from './grants/conditions.ts';
import { requestOf } from './request-of.ts';
import { refusedByLimits } from './tool-limits.ts';
import { toolOf } from './watches.ts';

export interface Decided {
  readonly decision: Decision;
  /** Policy's whole input: the verdict commits to it, so that a replay can be checked. */
  readonly input: PolicyInput;
}

export interface DecideContext {
  readonly policy: Policy;
  readonly session: { readonly id: string; readonly tenant: string; readonly mode: string };
  /** Wall milliseconds. */
  readonly now: number;
  /** What this delegation did before, where policy reads it. */
  readonly past?: Pick<PolicyInput, 'history' | 'origins'>;
  readonly revocations: RevocationState;
  /** Whether the server is asked in the name of people. */
  readonly needsHuman?: boolean;
}

/**
 * Pure: whether the caller may anything first, whether that was taken back, and whether its credentials are for this tool; then what the
 * tool is known as, then what policy says.
 */
export function decide(
  call: Call,
  principal: Principal,
  standing: ToolStanding,
  context: DecideContext,
): Decided {
  const input = policyInput(call, principal, standing, context);
  return {
    input,
    decision:
      refusedBy(principal.refusal) ??
      refusedBy(revokedBy(context.revocations, principal, toolOf(call))) ??
      refusedBy(refusedByLimits(principal, toolOf(call))) ??
      refusedForNobody(principal, context) ??
      refusedByStanding(call, standing) ??
      refusedBy(refusedByGrants(principal, input)) ??
      context.policy.decide(input),
  };
}

function policyInput(
  call: Call,
  principal: Principal,
  standing: ToolStanding,
  { session, now, past }: DecideContext,
): PolicyInput {
  return {
    ...verifiedRoots(principal),
    session: { ...session },
    tool: toolVariable(call, standing),
    args: call.arguments,
    ...requestVariable(call, principal),
    ...past,
    now: new Date(now).toISOString(),
  };
}

/** Only what is verified becomes a variable; what is absent stays absent, and a rule that reads it denies. */
export function verifiedRoots({ agent, human, device, network }: Principal) {
  return {
    agent: agent.verified ? { ...agent.value } : {},
    ...(human?.verified ? { human: humanVariable(human.value) } : {}),
    ...(device?.verified ? { device: { ...device.value } } : {}),
    ...(network?.verified ? { network: { ...network.value } } : {}),
  };
}

function requestVariable(call: Call, principal: Principal): Pick<PolicyInput, 'request'> {
  const request = requestOf(call, principal);
  return request === undefined ? {} : { request: { ...request } };
}

function humanVariable({ roles, groups, scopes, amr, act, ...human }: Human): JsonObject {
  return {
    ...human,
    roles: [...roles],
    ...(groups && { groups: [...groups] }),
    ...(scopes && { scopes: [...scopes] }),
    ...(amr && { amr: [...amr] }),
    ...(act && { act: act.map((actor) => ({ ...actor })) }),
  };
}

function toolVariable(call: Call, standing: ToolStanding): PolicyInput['tool'] {
  const definition = standing.kind === 'listed' ? standing.definition : undefined;
  const annotations: JsonObject = definition?.annotations ? { annotations: definition.annotations } : {};
  return {
    server: call.server.name,
    name: call.tool,
    accepted: definition?.accepted ?? false,
    listed: standing.kind === 'listed' || (standing.kind === 'method' && standing.listed),
    ...annotations,
  };
}

/** A server that is asked in the name of people is asked in nobody's name for nobody. */
function refusedForNobody({ human }: Principal, { needsHuman = false }: DecideContext): Decision | undefined {
  if (!needsHuman || human?.verified === true) return undefined;
  return deny('HUMAN_MISSING', 'The server acts for people, and this call is made for nobody.');
}

/** Somebody who is known, and may not: denied in a statement of its own. */
function refusedBy(refusal: Refusal | undefined): Decision | undefined {
  return refusal === undefined ? undefined : deny(refusal.code, refusal.message);
}

function refusedByStanding(call: Call, standing: ToolStanding): Decision | undefined {
  switch (standing.kind) {
    case 'listed':
      return refusedBySchema(standing.definition.misfit?.(call.arguments));
    case 'method':
      return undefined;
    case 'unknown':
      return deny('TOOL_UNKNOWN', `The server ${call.server.name} lists no tool of this name.`);
    case 'changed':
      return deny('TOOL_CHANGED', 'The definition of this tool is not the one that is pinned.');
    case 'server-changed':
      return deny('SERVER_CHANGED', `The name ${call.server.name} belongs to another server.`);
  }
}

function refusedBySchema(misfit: string | undefined): Decision | undefined {
  return misfit === undefined ? undefined : deny('ARGUMENTS_INVALID', misfit);
}

function deny(code: ReasonCode, message: string): Decision {
  return { verdict: 'DENY', code, message, controls: [] };
}
