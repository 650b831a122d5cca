import type { HITLRequest } from 'langchain';
import { metaOf, toldToModel } from '../../src/adapter.ts';
import { decisionOf } from './human-decision.ts';
import { errorMessage, type Answered } from './messages.ts';
import type { GovernToolOptions } from './options.ts';
import { answeredHere, isAloneInItsTask, type Pausable } from './paused.ts';
import { interrupt } from './peers.ts';
import type { Seen } from './tool-gate.ts';

export interface Attempted {
  readonly seen: Seen;
  readonly output: unknown;
}

/**
 * Attempts a call. Where a person has to approve it, the graph pauses. LangGraph begins a paused task from its start, and so the
 * call is attempted anew, and decided anew, after an approval; after anything else it is not attempted.
 */
export async function approvable(
  { approvals }: Pick<GovernToolOptions, 'approvals'>,
  call: Answered,
  config: Pausable,
  attempt: () => Promise<Attempted>,
): Promise<unknown> {
  if (approvals !== 'interrupt') return (await attempt()).output;
  const earlier = await answeredHere(config);
  if (earlier !== undefined) return goOn(call, ask(call, {}, earlier), earlier, attempt);

  const { seen, output } = await attempt();
  const { ended, args } = seen;
  if (ended?.kind !== 'denied' || ended.denial.code !== 'APPROVAL_REQUIRED') return output;
  // What ran beside it would run again with it.
  if (!isAloneInItsTask(config, call.id)) return output;
  const meta = metaOf(ended);
  return goOn(call, ask(call, { args, description: toldToModel(ended.denial) }, meta), meta, attempt);
}

/** Throws the graph's interrupt, or returns what was answered to it. A person is shown what was decided on. */
function ask(
  { name }: Answered,
  { args = {}, description = '' }: { readonly args?: unknown; readonly description?: string },
  meta: Record<string, unknown>,
): unknown {
  const request: HITLRequest = {
    actionRequests: [{ name, args: args as Record<string, unknown>, description }],
    reviewConfigs: [{ actionName: name, allowedDecisions: ['approve', 'reject'] }],
  };
  return interrupt({ ...request, ...meta });
}

async function goOn(
  call: Answered,
  answer: unknown,
  meta: Record<string, unknown>,
  attempt: () => Promise<Attempted>,
): Promise<unknown> {
  const decision = decisionOf(answer);
  if (decision?.type === 'approve') return (await attempt()).output;
  const { message } = decision ?? {};
  const told = typeof message === 'string' ? message : 'A person was asked, and did not approve this call.';
  return errorMessage(call, told, { ...meta });
}
