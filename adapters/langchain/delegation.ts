import { CountersignError, type Delegator } from '../../src/adapter.ts';

const tokens = new WeakMap<object, Delegator>();

/**
 * Who stands behind a run, to be put into `context`. LangChain copies `context` into the traces of each model call
 * (`extra.options.context`), from where it goes to LangSmith: the tokens are not in this object, and nobody prints, serialises or
 * walks to them.
 */
export interface Delegation {
  readonly delegation: 'held by this process';
}

/** @param delegator `{ humanToken?, deviceToken?, grant? }`, of this one run. */
export function delegation(delegator: Delegator): Delegation {
  const held: Delegation = Object.freeze({ delegation: 'held by this process' });
  tokens.set(held, { ...delegator });
  return held;
}

/**
 * For `identity`: what `delegation` was given; nothing for nothing.
 *
 * @throws CountersignError `LOGIN_MISSING` for a copy, as a remote graph or a cloning schema makes: the tokens did not travel.
 */
export function delegatorOf(held: Delegation | undefined): Delegator | undefined {
  if (held === undefined) return undefined;
  const delegator = tokens.get(held);
  if (delegator !== undefined) return delegator;
  throw new CountersignError(
    'LOGIN_MISSING',
    'This delegation is a copy, which holds no token: it has to be given to the run itself.',
  );
}
