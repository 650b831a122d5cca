import type { HITLRequest } from 'langchain';
import { metaOf, toldToModel, type ReasonCode } from '../../src/adapter.ts';
import { asksToConfirm, decisionOf, type Question } from './human-decision.ts';
import { errorMessage, type Answered } from './messages.ts';
import type { GovernToolOptions } from './options.ts';
import { answeredHere, isAloneInItsTask, type Pausable } from './paused.ts';
import { interrupt } from './peers.ts';
import type { Seen, Shown } from './tool-gate.ts';

export interface Attempted {
  readonly seen: Seen;
  readonly output: unknown;
}

/** Attempts the call: as one that its person confirmed, if that is what they were shown. */
type Attempt = (confirmed?: Shown) => Promise<Attempted>;

/**
 * Attempts a call. Where a person has to approve or confirm it, the graph pauses. LangGraph begins a paused task from its start, and
 * so the call is attempted anew, and decided anew, after a yes; after anything else it is not attempted.
 */
export async function approvable(
  options: Pick<GovernToolOptions, 'approvals' | 'confirmations'>,
  call: Answered,
  config: Pausable,
  attempt: Attempt,
): Promise<unknown> {
  const pausesFor = pausing(options);
  if (pausesFor.size === 0) return (await attempt()).output;
  const earlier = await answeredHere(config);
  if (earlier !== undefined) return goOn(call, ask(call, earlier), earlier, attempt);

  const { seen, output } = await attempt();
  const { ended, args } = seen;
  if (ended?.kind !== 'denied' || !pausesFor.has(ended.denial.code)) return output;
  // What ran beside it would run again with it.
  if (!isAloneInItsTask(config, call.id)) return output;
  const question = { meta: metaOf(ended), args };
  return goOn(call, ask(call, question, toldToModel(ended.denial)), question, attempt);
}

function pausing({
  approvals,
  confirmations,
}: Pick<GovernToolOptions, 'approvals' | 'confirmations'>): ReadonlySet<ReasonCode> {
  return new Set<ReasonCode>([
    ...(approvals === 'interrupt' ? (['APPROVAL_REQUIRED'] as const) : []),
    ...(confirmations === 'interrupt' ? (['CONFIRMATION_REQUIRED'] as const) : []),
  ]);
}

/** Throws the graph's interrupt, or returns what was answered to it. A person is shown what was decided on. */
function ask({ name }: Answered, { meta, args = {} }: Question, description = ''): unknown {
  const request: HITLRequest = {
    actionRequests: [{ name, args: args as Record<string, unknown>, description }],
    reviewConfigs: [{ actionName: name, allowedDecisions: ['approve', 'reject'] }],
  };
  return interrupt({ ...request, ...meta });
}

async function goOn(call: Answered, answer: unknown, question: Question, attempt: Attempt): Promise<unknown> {
  const decision = decisionOf(answer);
  if (decision?.type === 'approve') {
    return (await attempt(asksToConfirm(question) ? { args: question.args } : undefined)).output;
  }
  const { message } = decision ?? {};
  const told = typeof message === 'string' ? message : 'A person was asked, and did not approve this call.';
  return errorMessage(call, told, { ...question.meta });
}
