import type { Call, ToolStanding } from '../call/call.ts';
import type { JsonObject } from '../call/json.ts';
import type { Principal } from '../identity/principal.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { ReasonCode } from '../names.ts';
import { lackingBinding } from '../policy/binding.ts';
import { obligationTypes, type ApprovalObligation, type Obligation } from '../policy/obligation.ts';
import type { Decision, PolicyInput } from '../policy/policy.ts';
import { checkApprovals, type ApprovalSalt } from './approvals/check.ts';
import { changesArguments } from './change-arguments.ts';
import { counterDemands } from './counter-demands.ts';
import type { Counters, Held, HeadMoves, Reservation, Taken } from './counters/counters.ts';
import { grantDemands } from './grants/demands.ts';

type Allow = Extract<Decision, { verdict: 'ALLOW' }>;

/** An ALLOW of policy, and everything that its demands hang on. */
export interface Demanding {
  readonly call: Call;
  readonly principal: Principal;
  readonly standing: ToolStanding;
  readonly decision: Allow;
  readonly input: PolicyInput;
  readonly policyDigest: string;
  /** Wall milliseconds. */
  readonly now: number;
  /** Whether the caller carries the call out itself: then nobody here can change its result. */
  readonly delegated: boolean;
}

/** What the demands come to: the decision that stands, and what its statement compares, sets and states. */
export interface Met extends HeadMoves {
  readonly decision: Decision;
  readonly taken: readonly Taken[];
  readonly approvals?: readonly JsonObject[];
  /** What opens the documents that were approved. */
  readonly approvalSalts?: readonly ApprovalSalt[];
  /** Of a refusal: that the same call is refused later too. */
  readonly isFinal?: boolean;
}

export interface DemandParts {
  readonly ledger: Ledger;
  readonly counters: Counters;
  /** How many witnesses of the log can be asked. */
  readonly witnesses: number;
  /** Who can be told what came of calls. */
  readonly notified: ReadonlySet<string>;
}

/**
 * Whether what the rules demand of an ALLOW can be and is met, in the order of `obligationTypes`: what cannot be met is a denial.
 * What is met later (a witness, a limit, what is taken out of a result) is possible then.
 */
export async function meetDemands(parts: DemandParts, of: Demanding, held: Held): Promise<Met> {
  const { decision, principal, now } = of;
  const refused = refusedAtOnce(parts, of);
  if (refused !== undefined) return denied(refused);
  const approved = await approvalsOf(parts, of);
  if (approved.kind === 'refused') return { ...denied(approved.decision), ...approved.moves };
  const demands = [...counterDemands(of.input, decision.obligations), ...grantDemands(principal, of.input)];
  const reserved = await parts.counters.reserve(demands, now, held);
  if (!reserved.granted) return full(reserved, exceeded(of, reserved));
  return {
    decision,
    taken: reserved.taken,
    expects: [...approved.moves.expects, ...reserved.expects],
    sets: [...approved.moves.sets, ...reserved.sets],
    ...approved.stated,
  };
}

/** What grants demand, whatever policy says of the call: of a policy in shadow it is all that is demanded. */
export async function meetGrants(
  { counters }: Pick<DemandParts, 'counters'>,
  of: Pick<Demanding, 'principal' | 'input' | 'now'> & { readonly decision: Decision },
  held: Held,
): Promise<Met> {
  const { decision, principal, input, now } = of;
  const reserved = await counters.reserve(grantDemands(principal, input), now, held);
  if (reserved.granted) {
    const { taken, expects, sets } = reserved;
    return { decision, taken, expects, sets };
  }
  const { code } = reserved.full;
  return full(reserved, { verdict: 'DENY', code, message: exceededMessage(reserved), controls: [] });
}

/** What hangs on nothing but the call and its credentials, and what this gate could never do. */
function refusedAtOnce(parts: DemandParts, of: Demanding): Decision | undefined {
  const { call, decision } = of;
  for (const obligation of decision.obligations) {
    const unmet = unmetBy(parts, of, obligation);
    if (unmet !== undefined) return denial(of, obligation.rule, 'OBLIGATION_UNMET', unmet);
    if (obligation.type === 'confirm' && call.confirmed !== true)
      return denial(of, obligation.rule, 'CONFIRMATION_REQUIRED', unconfirmed(obligation.rule));
    const lacking = obligation.type === 'binding' && lackingBinding(of.input, obligation);
    if (typeof lacking === 'string')
      return denial(
        of,
        obligation.rule,
        'BINDING_REQUIRED',
        `The rule ${obligation.rule} demands that ${lacking}.`,
      );
  }
  const witnesses = witnessesDemanded(decision);
  if (witnesses <= parts.witnesses) return undefined;
  const told = `The rule that would allow this demands witnesses of the log (${witnesses}), and this gate knows ${parts.witnesses || 'none'}.`;
  return denial(of, decision.rule, 'WITNESS_UNAVAILABLE', told);
}

function unconfirmed(rule: string): string {
  return `The rule ${rule} demands that the person confirms this call, and nobody has said that they did.`;
}

/** Why nobody here can do what an obligation demands; undefined when somebody can. */
function unmetBy(parts: DemandParts, of: Demanding, obligation: Obligation): string | undefined {
  const isKnown = obligationTypes.includes(obligation.type);
  const isEmpty =
    obligation.type === 'witness' && !(Number.isSafeInteger(obligation.count) && obligation.count > 0);
  if (!isKnown || isEmpty)
    return 'The rule that would allow this demands something that this gate cannot fulfil.';
  if (obligation.type === 'notify' && !parts.notified.has(obligation.to))
    return `The rule ${obligation.rule} demands that ${obligation.to} is told, and this gate knows nobody of that name.`;
  const boundsResult =
    (obligation.type === 'redact' && obligation.of === 'result') ||
    (obligation.type === 'limit' && obligation.bytes !== undefined);
  if ((of.delegated || of.call.isLive === true) && boundsResult)
    return `The rule ${obligation.rule} demands something of the result, and here that is with the caller before anybody could change it.`;
  return undefined;
}

/** How many others must have seen the ALLOW in the log before the call runs. */
export function witnessesDemanded(decision: Decision): number {
  if (decision.verdict === 'DENY') return 0;
  return Math.max(0, ...decision.obligations.map((one) => (one.type === 'witness' ? one.count : 0)));
}

/** The denial of a call whose arguments policy changes and nobody can, or that policy changes again and again. */
export function unchangeable({ obligations, ...decision }: Allow): Decision {
  const rule = obligations.find(changesArguments)?.rule ?? decision.rule;
  const message = `The rule ${rule} changes arguments, and those of this call cannot be changed here, or not to any end.`;
  return { verdict: 'DENY', code: 'OBLIGATION_UNMET', rule, message, controls: decision.controls };
}

type Approved =
  | {
      readonly kind: 'met';
      readonly moves: HeadMoves;
      readonly stated: Pick<Met, 'approvals' | 'approvalSalts'>;
    }
  | { readonly kind: 'refused'; readonly moves: HeadMoves; readonly decision: Decision };

async function approvalsOf({ ledger }: DemandParts, of: Demanding): Promise<Approved> {
  const obligations = of.decision.obligations.filter(
    (one): one is ApprovalObligation => one.type === 'approval',
  );
  if (obligations.length === 0) return { kind: 'met', moves: { expects: [], sets: [] }, stated: {} };
  const { call, principal, standing, policyDigest, now } = of;
  const checked = await checkApprovals(ledger, { call, principal, standing, obligations, policyDigest, now });
  const moves = { expects: checked.expects, sets: checked.sets };
  if (checked.met) {
    return { kind: 'met', moves, stated: { approvals: checked.stated, approvalSalts: checked.salts } };
  }
  const [first] = obligations;
  const decision = denial(of, first?.rule ?? of.decision.rule, checked.code, checked.message);
  return { kind: 'refused', moves, decision };
}

type Full = Extract<Reservation, { granted: false }>;

function full({ expects, freeAt }: Full, decision: Decision): Met {
  return { ...denied(decision), expects, isFinal: freeAt === undefined };
}

function exceeded(of: Demanding, reserved: Full): Decision {
  const { rule, code } = reserved.full;
  return denial(of, rule, code, exceededMessage(reserved));
}

function exceededMessage({ full, freeAt }: Full): string {
  const when = freeAt === undefined ? '' : `; something is free again at ${new Date(freeAt).toISOString()}`;
  return `That is more than there is: ${full.what}${when}.`;
}

function denied(decision: Decision): Met {
  return { decision, taken: [], expects: [], sets: [] };
}

function denial(
  { decision }: Demanding,
  rule: string | undefined,
  code: ReasonCode,
  message: string,
): Decision {
  const { controls, shadow } = decision;
  return {
    ...{ verdict: 'DENY', code, message, controls },
    ...(rule !== undefined && { rule }),
    ...(shadow !== undefined && { shadow }),
  };
}
