import { CountersignError } from '../../../../errors.ts';
import { modernVersion, type AggregateServer } from './introduce.ts';
import type { Caller, Reach } from './reach.ts';

/**
 * Introduces a server in the name of whoever asks, where it wants to know that. For nobody it is not asked at all: what is meant for it
 * goes to its gate, which denies the calls in signed verdicts.
 *
 * @param onGone Told at once of a server that was not introduced: the next request may be somebody's.
 */
export async function introduceInAName(
  server: AggregateServer,
  caller: Caller,
  onGone: () => void,
  introduce: () => Promise<Reach>,
): Promise<Reach> {
  try {
    // Asked before the server is: what it says to nobody must not be taken for what it says to everybody.
    await server.actsFor?.(caller.credentials).authorization();
  } catch (error) {
    if (!(error instanceof CountersignError) || error.code !== 'HUMAN_MISSING') throw error;
    setTimeout(onGone, 0);
    return unintroduced(server, caller);
  }
  return introduce();
}

function unintroduced({ direct }: AggregateServer, { era, owner }: Caller): Reach {
  return {
    speaks: era,
    version: era === 'modern' ? modernVersion : '',
    capabilities: {},
    conversationFor: (post) => direct.single.conversationFor(owner, post),
    close: () => Promise.resolve(),
  };
}
