import type { Call, ToolStanding } from '../call/call.ts';
import type { Principal } from '../identity/principal.ts';
import { changesArguments, withChangedArguments } from './change-arguments.ts';
import { decide, type DecideContext, type Decided } from './decide.ts';
import { unchangeable } from './demands.ts';

export interface DecidedCall extends Decided {
  /** The call as it would run. */
  readonly call: Call;
}

/**
 * Decides; where the rules change arguments, changes them and decides again on what would run: that decision stands, and must not
 * change anything more.
 */
export async function decideFinally(
  asked: Call,
  principal: Principal,
  standing: ToolStanding,
  context: DecideContext,
): Promise<DecidedCall> {
  const first = decide(asked, principal, standing, context);
  const { decision } = first;
  const changes = decision.verdict === 'ALLOW' && decision.enforced !== false;
  if (!changes || !decision.obligations.some(changesArguments)) return { call: asked, ...first };
  const call = await withChangedArguments(asked, decision.obligations);
  if (call === asked) return { call, ...first };
  if (call === undefined) return { call: asked, input: first.input, decision: unchangeable(decision) };
  const second = decide(call, principal, standing, context);
  if (second.decision.verdict === 'DENY') return { call, ...second };
  const settled = (await withChangedArguments(call, second.decision.obligations)) === call;
  return settled
    ? { call, ...second }
    : { call, input: second.input, decision: unchangeable(second.decision) };
}
