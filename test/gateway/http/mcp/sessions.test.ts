import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CountersignError } from '../../../../src/errors.ts';
import type { McpConversation } from '../../../../src/gateway/http/mcp/conversation.ts';
import { createSessions } from '../../../../src/gateway/http/mcp/sessions.ts';
import type { Watch } from '../../../../src/gateway/http/streams.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A session of somebody whose goodness ends as told, with each of their credentials. */
async function session() {
  const sessions = createSessions({ perOwner: 2, all: 2, idleMs: 86_400_000 });
  const watched: { readonly owner: AbortController; readonly until: AbortSignal }[] = [];
  const watch: Watch = (until) => {
    const owner = new AbortController();
    watched.push({ owner, until });
    return owner.signal;
  };
  let closed = 0;
  const conversation = { isIdle: true, close: () => Promise.resolve(void (closed += 1)) };
  const { id } = await sessions.begin('ada', watch, () =>
    Promise.resolve(conversation as unknown as McpConversation),
  );
  return {
    watched,
    closed: () => closed,
    use: () => sessions.find(id, 'ada', watch),
    close: () => sessions.close(),
  };
}

const revoked = new CountersignError('AGENT_REVOKED', 'The agent was revoked.');
const expired = new CountersignError('LEASE_ENDED', 'The credentials have ended.');

describe('a session', () => {
  it('of somebody who was revoked ends, once what ran in it has been answered', async () => {
    const { watched, closed, use } = await session();
    watched[0]?.owner.abort(revoked);
    expect(use()).toBeDefined();
    watched[1]?.owner.abort(revoked);
    await vi.advanceTimersByTimeAsync(500);
    expect(closed()).toBe(1);
    expect(use()).toBeUndefined();
    expect(watched.map(({ until }) => until.aborted)).toEqual([true, true]);
  });

  it('whose owner’s token has ended waits a while for a newer one, and then ends', async () => {
    const { watched, closed, use } = await session();
    watched[0]?.owner.abort(expired);
    await vi.advanceTimersByTimeAsync(299_000);
    expect(use()).toBeDefined();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(closed()).toBe(0);
    watched[1]?.owner.abort(expired);
    await vi.advanceTimersByTimeAsync(300_000);
    expect(closed()).toBe(1);
  });

  it('is watched by what was brought last, and by nothing once it has ended', async () => {
    const { watched, use, close } = await session();
    use();
    expect(watched.map(({ until }) => until.aborted)).toEqual([true, false]);
    await close();
    expect(watched.map(({ until }) => until.aborted)).toEqual([true, true]);
  });
});
