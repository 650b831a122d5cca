import { isLiteral, matchesTool, parseToolPattern, type ToolPattern } from '../../call/tool-pattern.ts';
import { verifiedPrincipal, type Human, type Principal } from '../principal.ts';
import type {
  NamedTool,
  Revocation,
  RevocationKind,
  RevocationRefusal,
  RevocationState,
  RevokedBy,
} from './revocation.ts';

/** A state as it is asked: by what a principal has, not one revocation after the other. */
interface Index {
  readonly isEverything: boolean;
  /** By kind, what is revoked whoever vouches for it and whenever it began. */
  readonly ids: Readonly<Record<'key' | 'agent' | 'device', ReadonlySet<string>>>;
  readonly humans: ReadonlyMap<string, readonly Revocation[]>;
  readonly sessions: ReadonlyMap<string, readonly Revocation[]>;
  /** By server and name. */
  readonly tools: ReadonlyMap<string, ReadonlySet<string>>;
  readonly toolPatterns: readonly ToolPattern[];
}

/** A state is read once and asked often. */
const indexes = new WeakMap<RevocationState, Index>();

/**
 * @throws Error for a state that has a tool pattern which is none: such a state must not be taken for one in which nothing is
 * revoked. See `assertIndexable`.
 */
export const revokedBy: RevokedBy = (state, principal, tool) => {
  if (state.revoked.length === 0) return undefined;
  const index = indexOf(state);
  const kind = kindRevoked(index, principal) ?? (tool && isToolRevoked(index, tool) ? 'tool' : undefined);
  return kind && refusals[kind];
};

/** The same of an agent that has no key: why nothing may be issued to it. */
export function agentRevokedBy(state: RevocationState, agentId: string): RevocationRefusal | undefined {
  const { isEverything, ids } = indexOf(state);
  if (isEverything) return refusals.everything;
  return ids.agent.has(agentId) ? refusals.agent : undefined;
}

/** The same of a person who asks for nothing themselves: why what they say counts no more. */
export function humanRevokedBy(
  state: RevocationState,
  human: Pick<Human, 'issuer' | 'subject' | 'authTime'>,
): RevocationRefusal | undefined {
  const { isEverything, humans } = indexOf(state);
  if (isEverything) return refusals.everything;
  return isOneOf(humans.get(human.subject), human) ? refusals.human : undefined;
}

/** The same principal, who may nothing where it was revoked. A refusal that it has already stays. */
export function unlessRevoked(state: RevocationState, principal: Principal): Principal {
  const refusal = principal.refusal ?? revokedBy(state, principal);
  return refusal === principal.refusal || refusal === undefined
    ? principal
    : verifiedPrincipal({ ...principal, refusal });
}

/** Throws what `revokedBy` would throw of this state, before anybody relies on it. */
export function assertIndexable(state: RevocationState): void {
  indexOf(state);
}

function kindRevoked(
  index: Index,
  { apiKeyId, agent, human, device }: Principal,
): RevocationKind | undefined {
  const { isEverything, ids, humans, sessions } = index;
  if (isEverything) return 'everything';
  if (ids.key.has(apiKeyId)) return 'key';
  if (ids.agent.has(agent.value.id)) return 'agent';
  if (human && isOneOf(humans.get(human.value.subject), human.value)) return 'human';
  if (human?.value.sid !== undefined && isOneOf(sessions.get(human.value.sid), human.value)) return 'session';
  return device && ids.device.has(device.value.id) ? 'device' : undefined;
}

/** `before` is compared in whole seconds as tokens have them: who logs in within the second of a revocation logs in again. */
function isOneOf(
  revocations: readonly Revocation[] | undefined,
  { issuer, authTime, issuedAt }: Pick<Human, 'issuer' | 'authTime' | 'issuedAt'>,
): boolean {
  const began = (authTime ?? issuedAt ?? -Infinity) * 1_000;
  return (
    revocations?.some(
      (each) =>
        (each.issuer === undefined || each.issuer === issuer) &&
        (each.before === undefined || !(began >= Date.parse(each.before))),
    ) === true
  );
}

function isToolRevoked({ tools, toolPatterns }: Index, { server, name }: NamedTool): boolean {
  return (
    tools.get(server)?.has(name) === true ||
    toolPatterns.some((pattern) => matchesTool(pattern, server, name))
  );
}

function indexOf(state: RevocationState): Index {
  const known = indexes.get(state);
  if (known) return known;
  const ofKind = (kind: RevocationKind): readonly Revocation[] =>
    state.revoked.filter((each) => each.kind === kind);
  const idsOf = (kind: RevocationKind): ReadonlySet<string> => new Set(ofKind(kind).map(({ id }) => id));
  const patterns = ofKind('tool').map(({ id }) => parseToolPattern(id));
  const index: Index = {
    isEverything: ofKind('everything').length > 0,
    ids: { key: idsOf('key'), agent: idsOf('agent'), device: idsOf('device') },
    humans: Map.groupBy(ofKind('human'), ({ id }) => id),
    sessions: Map.groupBy(ofKind('session'), ({ id }) => id),
    tools: new Map(
      [...Map.groupBy(patterns.filter(isLiteral), ({ server }) => server)].map(([server, named]) => [
        server,
        new Set(named.map(({ tool }) => tool)),
      ]),
    ),
    toolPatterns: patterns.filter((pattern) => !isLiteral(pattern)),
  };
  indexes.set(state, index);
  return index;
}

/** They name nobody: a statement that has one names its principal itself. */
const refusals: Readonly<Record<RevocationKind, RevocationRefusal>> = {
  everything: { code: 'EVERYTHING_REVOKED', message: 'Every call is stopped by the operator.' },
  key: { code: 'API_KEY_REVOKED', message: 'The API key was revoked.' },
  agent: { code: 'AGENT_REVOKED', message: 'The agent was revoked.' },
  human: {
    code: 'HUMAN_REVOKED',
    message: 'The human whom the agent acts for was revoked, or has to log in again.',
  },
  session: {
    code: 'SESSION_REVOKED',
    message: 'The session of the human whom the agent acts for was ended.',
  },
  device: { code: 'DEVICE_REVOKED', message: 'The device was revoked.' },
  tool: { code: 'TOOL_REVOKED', message: 'The tool was revoked.' },
};
