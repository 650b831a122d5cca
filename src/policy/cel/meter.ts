import { limits } from '../limits.ts';

/** Thrown when a decision has used up its steps. */
export class BudgetError extends Error {}

let left: number = limits.decisionSteps;

/**
 * The work of one decision, counted where a caller's data is read: one step for each element visited or field read,
 * one more for every 256 units of a string, and one or more for each turn of a macro. CEL terminates, but `args.a.all(x, x in args.b)` over a caller's lists is
 * quadratic; without a budget one call of a megabyte would stop the gate for minutes.
 *
 * Evaluation is synchronous and never nests decisions, so one counter serves all.
 */
export function refillMeter(): void {
  left = limits.decisionSteps;
}

export function charge(steps: number): void {
  left -= steps;
  if (left < 0) throw new BudgetError('out of steps');
}

export function meterIsEmpty(): boolean {
  return left < 0;
}
