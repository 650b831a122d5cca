import type { Json } from '../call/json.ts';

/**
 * What an allow demands beyond its condition. A decision lists the obligations of every rule that allows, each with the rule that
 * it comes from; all of them hold, in the order of `obligationTypes`. Plain data: the verdict states them. Durations are
 * milliseconds.
 */
export type Obligation =
  | BindingObligation
  | TransformObligation
  | ConfirmObligation
  | ApprovalObligation
  | RateObligation
  | BudgetObligation
  | WitnessObligation
  | LimitObligation
  | RedactObligation
  | NotifyObligation;

/** In the order in which they are met: what can refuse comes before what has an effect. */
export const obligationTypes = [
  'binding',
  'transform',
  'confirm',
  'approval',
  'rate',
  'budget',
  'witness',
  'limit',
  'redact',
  'notify',
] as const satisfies readonly Obligation['type'][];

/** Whether an obligation of this type has somebody asked before the call runs. */
export function asks(type: unknown): boolean {
  return type === 'approval' || type === 'confirm';
}

interface OfRule {
  /** The rule that demands it. */
  readonly rule: string;
}

/** That the credentials are better than what is enough elsewhere. Each that is named must hold. */
export interface BindingObligation extends OfRule {
  readonly type: 'binding';
  /** How a token must be bound to who sends it: `bound` is either way. */
  readonly human?: 'dpop' | 'mtls' | 'bound';
  readonly agent?: 'dpop' | 'mtls' | 'bound';
  /** One of these is the `acr` of the person's token; each of these is among its `amr`. */
  readonly acr?: readonly string[];
  readonly amr?: readonly string[];
  /** The person logged in no longer ago. */
  readonly maxAge?: number;
}

/** Arguments that are set before the call is decided finally, by JSON pointer. What runs is what was decided. */
export interface TransformObligation extends OfRule {
  readonly type: 'transform';
  readonly set: Readonly<Record<string, Json>>;
}

/**
 * That the person was asked, by the agent's own host or framework, and said yes. Only that says so: it is stated as
 * `client-asserted`, and never stands for an approval.
 */
export interface ConfirmObligation extends OfRule {
  readonly type: 'confirm';
}

/** That somebody else approved exactly this call. */
export interface ApprovalObligation extends OfRule {
  readonly type: 'approval';
  /** Who may: `operator` (whoever runs commands on the home), or any of `role:…`, `group:…`, `subject:…` of persons. */
  readonly from: readonly string[];
  /** How many different persons. */
  readonly count: number;
  /** How long a request waits, and how long what was approved may be called. */
  readonly within: number;
  /** `passkey`: each approval is signed by the person's own key. */
  readonly by: 'any' | 'passkey';
}

/** Whom a count or a sum is kept for. */
export type Per = 'agent' | 'human' | 'tool' | 'tenant';

/** Something that is counted. */
interface Counting extends OfRule {
  /** Which of its type it is in its rule, held or not: what was counted goes by it. */
  readonly ordinal: number;
}

/** At most `limit` calls in any `window`. */
export interface RateObligation extends Counting {
  readonly type: 'rate';
  readonly limit: number;
  readonly window: number;
  readonly per: readonly Per[];
}

/** At most `limit` in sum in any `window`; this call takes `amount` of it. */
export interface BudgetObligation extends Counting {
  readonly type: 'budget';
  readonly limit: number;
  readonly window: number;
  readonly per: readonly Per[];
  /** 0 or more. */
  readonly amount: number;
}

/** That so many others have seen the ALLOW in the log before the call runs. */
export interface WitnessObligation extends OfRule {
  readonly type: 'witness';
  /** 1 to 8. */
  readonly count: number;
}

/** How long it may run, and how large its result may be. */
export interface LimitObligation extends OfRule {
  readonly type: 'limit';
  readonly time?: number;
  /** Bytes. A larger result is withheld. */
  readonly bytes?: number;
}

/** What is taken out of arguments before the call runs, or of its result before the caller gets it. */
export interface RedactObligation extends OfRule {
  readonly type: 'redact';
  readonly of: 'arguments' | 'result';
  /** JSON pointers in which `*` stands for one key or index: whole values are replaced. */
  readonly fields: readonly string[];
  /** RE2: what it finds in any text is replaced. */
  readonly match?: string;
  readonly with: string;
}

/** That somebody is told what came of the call. It does not wait for that. */
export interface NotifyObligation extends OfRule {
  readonly type: 'notify';
  /** A name of the configuration. */
  readonly to: string;
}
