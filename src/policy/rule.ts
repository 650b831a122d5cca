import type { Bindings } from './cel/program.ts';
import type { WitnessObligation } from './obligations.ts';
import type { ToolPattern } from '../call/tool-pattern.ts';

/** Roots that are there only when they were proven. */
export const evidenceRoots = ['human', 'device', 'network'] as const;
export type EvidenceRoot = (typeof evidenceRoots)[number];

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
  /** The roots that the condition reads. */
  readonly reads: ReadonlySet<string>;
  readonly ask: (bindings: Bindings) => Answer;
}
