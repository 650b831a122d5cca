import type { Bindings } from './cel/program.ts';
import type { Obligation } from './obligation.ts';
import type { ToolPattern } from '../call/tool-pattern.ts';

/** Roots that are there only when they were proven. */
export const evidenceRoots = ['human', 'device', 'network'] as const;
export type EvidenceRoot = (typeof evidenceRoots)[number];

/** What a rule's condition says of one call; `error` for anything but a boolean. */
export type Answer = 'match' | 'no-match' | 'error';

/** An obligation as its rule states it: what it comes to may hang on the call. */
export interface Demand {
  readonly type: Obligation['type'];
  /** The roots that it reads. */
  readonly reads: ReadonlySet<string>;
  /** Whether it says when it holds. */
  readonly isConditional?: true;
  /** `none` where it does not hold for this call; undefined when that, or what it comes to, cannot be told: an error of the rule. */
  readonly of: (bindings: Bindings) => Obligation | 'none' | undefined;
}

/** One rule, compiled. */
export interface Rule {
  readonly id: string;
  readonly effect: 'allow' | 'deny';
  readonly tools: readonly ToolPattern[];
  readonly reason: string | undefined;
  /** Of a deny, none. */
  readonly obligations: readonly Demand[];
  /** Evaluated beside the others, and not enforced. */
  readonly shadow: boolean;
  readonly controls: readonly string[];
  /** The roots that condition and obligations read. */
  readonly reads: ReadonlySet<string>;
  readonly ask: (bindings: Bindings) => Answer;
}
