import type { Principal } from '../../identity/principal.ts';
import { CountersignError } from '../../errors.ts';
import { isSamePerson, type AnswerMethod, type PendingApproval, type Person } from './approval.ts';

/** A person who has proven who they are, and what their issuer says of them. */
export interface Approver extends Person {
  readonly tenant: string;
  readonly roles: readonly string[];
  /** Absent when the issuer did not tell all of them. */
  readonly groups?: readonly string[];
  /** The SPIFFE ID of the software that they answer with; absent of a person who has nothing but a passkey. */
  readonly agent?: string;
}

/**
 * The person who answers with these credentials. A token that an agent was given to act for somebody is not that somebody: one
 * that names an actor, or is limited to tools, approves nothing.
 *
 * @throws CountersignError `APPROVER_REFUSED`
 */
export function approverOf({ human, agent, tenant, limits = [] }: Principal): Approver {
  if (human?.verified !== true || !agent.verified)
    throw refused('Only a person answers: bring a person’s token beside the API key.');
  const { issuer, subject, roles, groups, act = [] } = human.value;
  if (act.length > 0 || limits.some(({ by }) => by === 'delegation'))
    throw refused('This token was given to an agent. Answer with one of your own login.');
  return { issuer, subject, tenant, roles, ...(groups && { groups }), agent: agent.value.id };
}

/** Whether a request may be told to this person, answered already or not. */
export function mayKnow(approval: PendingApproval, approver: Approver): boolean {
  return (
    approval.tenant === approver.tenant &&
    asWhom(approval, approver) !== undefined &&
    isOther(approval, approver)
  );
}

/**
 * Which of those that the rule names the person is.
 *
 * @throws CountersignError `NOT_FOUND` for whom it must not be told to, `APPROVER_REFUSED` for whoever must not approve it.
 */
export function fitOf(approval: PendingApproval, approver: Approver, method: AnswerMethod): string {
  const as = approval.tenant === approver.tenant ? asWhom(approval, approver) : undefined;
  if (as === undefined) throw unknown();
  if (!isOther(approval, approver))
    throw refused('Nobody approves what is done for them, and no agent its own calls.');
  if (approval.terms.by === 'passkey' && method !== 'passkey')
    throw refused('The rule demands that this is approved with a passkey.');
  return as;
}

/** The same for whoever runs commands on the home: they are no role, no group, nobody in particular, and no two people. */
export function operatorFit({ terms }: PendingApproval): 'operator' {
  if (terms.from.includes('operator') && terms.count === 1 && terms.by === 'any') return 'operator';
  throw refused(
    `The rule demands ${whoMay(terms)}, who prove who they are. A terminal proves nobody: they answer at the gateway.`,
  );
}

export function unknown(): CountersignError {
  return new CountersignError(
    'NOT_FOUND',
    'There is no such request for approval: it was used, it has expired, or it never was.',
  );
}

/** Those who may approve, for a sentence. */
export function whoMay({ from, count, by }: PendingApproval['terms']): string {
  const with_ = by === 'passkey' ? ' with a passkey' : '';
  if (from.length === 1 && from[0] === 'operator') return 'the operator';
  const people = count === 1 ? 'one person' : `${count} different persons`;
  return `${people} of ${from.join(', ')}${with_}`;
}

/** An agent that holds tokens of several people must not have one of them approve what it does for another. */
function isOther({ human, agent }: PendingApproval, approver: Approver): boolean {
  return agent.id !== approver.agent && (human === undefined || !isSamePerson(human, approver));
}

function asWhom({ terms }: PendingApproval, { subject, roles, groups = [] }: Approver): string | undefined {
  const are = [
    ...roles.map((role) => `role:${role}`),
    ...groups.map((group) => `group:${group}`),
    `subject:${subject}`,
  ];
  return terms.from.find((one) => are.includes(one));
}

function refused(message: string): CountersignError {
  return new CountersignError('APPROVER_REFUSED', message);
}
