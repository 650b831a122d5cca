import type { Bindings } from './cel/program.ts';
import type { WitnessObligation } from './obligations.ts';
import type { ToolPattern } from './tool-pattern.ts';

/** What a rule's condition says of one call; `error` for anything but a boolean. */
export type Answer = 'match' | 'no-match' | 'error';

/** One rule, compiled. */
export interface Rule {
  readonly id: string;
  readonly effect: 'allow' | 'deny';
  readonly tools: readonly ToolPattern[];
  readonly reason: string | undefined;
  /** Of a deny, none. */
  readonly obligations: readonly WitnessObligation[];
  readonly controls: readonly string[];
  /** Whether the condition reads `now`, which is bound only then. */
  readonly readsNow: boolean;
  readonly ask: (bindings: Bindings) => Answer;
}
