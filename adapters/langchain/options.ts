import type { GovernOptions } from '../../src/adapter.ts';

/** Where a call comes from: what `identity` and `request` are given. */
export interface CallOrigin<Context = unknown> {
  /** What `agent.invoke(input, { context })` was given. LangChain copies it into traces: see `delegation`. */
  readonly context: Context;
  /** The run's own: `thread_id` and whatever else was set. It is copied into traces and checkpoints. */
  readonly configurable: Readonly<Record<string, unknown>>;
  /** Those of the graph's state, for `lastUserText`; none where the tool was called by no agent or tool node. */
  readonly messages: readonly unknown[];
}

export interface GovernToolOptions<Context = unknown> extends GovernOptions<CallOrigin<Context>> {
  /**
   * What becomes of a tool call that a person has to approve. Told nothing, it is denied. With `interrupt` the graph pauses
   * with an `HITLRequest`; what a person answers confers nothing: the gate is asked again, and its ALLOW alone runs the tool.
   */
  readonly approvals?: 'interrupt';
  /**
   * The same for a call that a rule wants confirmed. Here the answer does say something: the gate is asked again with the word
   * that the person confirmed exactly the call that was shown. It stands for no approval.
   */
  readonly confirmations?: 'interrupt';
}

export interface GovernanceOptions<Context = unknown> extends GovernToolOptions<Context> {
  /**
   * Tools that the model's provider runs (`{ type: 'web_search_20250305' }`). They never reach a gate, and so are taken out of
   * what the model is offered; `allow` leaves them in.
   */
  readonly providerTools?: 'remove' | 'allow';
}
