import type { PreToolUseHookInput } from '@anthropic-ai/claude-agent-sdk';
import { CountersignError } from '../../src/adapter.ts';
import type { AskedCall, DeniedCall, RunResult } from '../../src/adapter.ts';

/** A call that Claude Code carries out: begun by the hook before it, and ended by what is heard of it after. */
export interface OpenCall {
  readonly kind: 'open';
  /** What was asked about. */
  readonly hook: PreToolUseHookInput;
  end(ended: { readonly result: unknown } | { readonly error: unknown }): Promise<RunResult<unknown>>;
  /** Nobody can say what became of it. */
  lose(why: CountersignError): Promise<RunResult<unknown>>;
}

/**
 * @param ask Asks the gate. Its signal ends with the call.
 * @param asking Ends when nobody waits for the verdict any more; what happens to it afterwards says nothing of the call.
 */
export async function openCall(
  hook: PreToolUseHookInput,
  ask: (signal: AbortSignal) => Promise<AskedCall>,
  asking: AbortSignal,
): Promise<OpenCall | DeniedCall> {
  const caller = new AbortController();
  const leave = (): void => caller.abort();
  asking.addEventListener('abort', leave, { once: true });
  if (asking.aborted) leave();
  const asked = await ask(caller.signal);
  asking.removeEventListener('abort', leave);
  if (asked.kind === 'denied') return asked;

  const carriedOut = Promise.withResolvers<unknown>();
  const begun = Promise.withResolvers<undefined>();
  const settled = asked.run((_args, signal) => {
    signal.addEventListener('abort', () => carriedOut.reject(overdue()), { once: true });
    begun.resolve(undefined);
    return carriedOut.promise;
  });
  const instead = await Promise.race([begun.promise, settled]);
  if (instead?.kind === 'denied') return instead;
  return {
    kind: 'open',
    hook,
    end(ended) {
      if ('result' in ended) carriedOut.resolve(ended.result);
      else carriedOut.reject(ended.error);
      return settled;
    },
    lose(why) {
      carriedOut.reject(why);
      leave();
      return settled;
    },
  };
}

function overdue(): CountersignError {
  return new CountersignError(
    'LEASE_ENDED',
    'The time to carry the call out is over, and nothing was heard of it.',
  );
}
