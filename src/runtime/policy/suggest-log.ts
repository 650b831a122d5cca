import type { Ledger } from '../../ledger/ledger.ts';
import { createSuggester, type Suggestion, type SuggestOptions } from '../../policy/suggest/suggest.ts';
import type { RecordedCall } from './recorded-call.ts';
import { recordedCalls, type RecordedCallsOptions } from './recorded-calls.ts';

export type { Suggestion } from '../../policy/suggest/suggest.ts';

export interface SuggestLogOptions extends SuggestOptions, RecordedCallsOptions {
  /** Also what was denied since no rule allows it. */
  readonly denied: boolean;
}

export interface LogSuggestion {
  /** Absent where no call is of the kind that is looked for. */
  readonly suggestion?: Suggestion;
  /** Calls that the pack is proposed from. */
  readonly from: number;
  readonly leftOut: {
    /** Denied by a rule: nothing that is proposed allows them. */
    readonly denied: number;
    /** Whose condition was an error, or that lacked what a rule asks about. */
    readonly failed: number;
    /** Not kept, or sealed. */
    readonly notKept: number;
    /** What lies beside the log does not open what was signed. */
    readonly altered: number;
  };
}

/** Proposes a pack from what a log holds of calls in shadow. */
export async function suggestFromLog(
  ledger: Pick<Ledger, 'checkpoint' | 'entries' | 'side'>,
  options: SuggestLogOptions,
): Promise<LogSuggestion> {
  const suggester = createSuggester();
  const leftOut = { denied: 0, failed: 0, notKept: 0, altered: 0 };
  let from = 0;
  for await (const call of recordedCalls(ledger, options)) {
    const use = useOf(call, options.denied);
    if (use === 'none') continue;
    if (use === 'failed') leftOut.failed += 1;
    else if (call.input.state === 'kept') {
      if (use === 'deny') {
        suggester.deny(call.input.value);
        leftOut.denied += 1;
      } else {
        suggester.allow(call.input.value, call.time);
        from += 1;
      }
    } else if (call.input.state === 'changed') leftOut.altered += 1;
    else leftOut.notKept += 1;
  }
  const suggestion = suggester.pack(options);
  return { ...(suggestion && { suggestion }), from, leftOut };
}

/** What a recorded verdict is to a proposal. What was enforced and allowed has its rule already. */
function useOf({ code, enforced }: RecordedCall, denied: boolean): 'allow' | 'deny' | 'failed' | 'none' {
  if (code === 'RULE_DENIES') return 'deny';
  if (enforced) return denied && code === 'NO_RULE_ALLOWS' ? 'allow' : 'none';
  return code === 'RULE_ALLOWS' || code === 'NO_RULE_ALLOWS' ? 'allow' : 'failed';
}
