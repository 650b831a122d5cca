import type { Call, ToolStanding } from '../call/call.ts';
import type { JsonObject } from '../call/json.ts';
import type { Principal } from '../identity/principal.ts';
import type { Decision, Policy, PolicyInput } from '../policy/policy.ts';
import { withKnownObligations } from './obligations.ts';

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
  /** How many witnesses of the log can be asked. */
  readonly witnesses: number;
}

/** Pure: what the tool is known as first, then what policy says. */
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
      refusedByStanding(call, standing) ??
      withKnownObligations(context.policy.decide(input), context.witnesses),
  };
}

function policyInput(
  call: Call,
  principal: Principal,
  standing: ToolStanding,
  { session, now }: DecideContext,
): PolicyInput {
  return {
    ...verifiedRoots(principal),
    session: { ...session },
    tool: toolVariable(call, standing),
    args: call.arguments,
    now: new Date(now).toISOString(),
  };
}

/** Only what is verified becomes a variable; what is absent stays absent, and a rule that reads it denies. */
function verifiedRoots({ agent, human, device, network }: Principal) {
  return {
    agent: { ...agent.value },
    ...(human?.verified
      ? { human: { ...human.value, roles: [...human.value.roles], groups: [...human.value.groups] } }
      : {}),
    ...(device?.verified ? { device: { ...device.value } } : {}),
    ...(network?.verified ? { network: { ...network.value } } : {}),
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

type StandingCode = 'TOOL_UNKNOWN' | 'TOOL_CHANGED' | 'SERVER_CHANGED' | 'ARGUMENTS_INVALID';

function deny(code: StandingCode, message: string): Decision {
  return { verdict: 'DENY', code, message, controls: [] };
}
