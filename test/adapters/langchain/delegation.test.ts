import { inspect } from 'node:util';
import { FakeTracer } from '@langchain/core/utils/testing';
import { createAgent } from 'langchain';
import { describe, expect, it } from 'vitest';
import { delegation, delegatorOf } from '../../../adapters/langchain/index.ts';
import { scripted, textsIn } from './agent.ts';

const secret = 'eyJhbGciOiJFUzI1NiJ9.c2VjcmV0.c2lnbmF0dXJl';

describe('a delegation', () => {
  it('gives its tokens to whoever holds it, and shows them to nobody', () => {
    const held = delegation({ humanToken: secret });
    expect(delegatorOf(held)).toEqual({ humanToken: secret });
    for (const shown of [JSON.stringify(held), inspect(held, { showHidden: true, depth: 9 }), textsIn(held)])
      expect(shown).not.toContain(secret);
  });

  it('is of no use as a copy', () => {
    const held = delegation({ humanToken: secret });
    for (const copy of [{ ...held }, structuredClone(held), Object.create(held) as typeof held])
      expect(() => delegatorOf(copy)).toThrow(expect.objectContaining({ code: 'LOGIN_MISSING' }));
    expect(delegatorOf(undefined)).toBeUndefined();
  });

  it('is what context needs: LangChain traces what is in it', async () => {
    const traced = async (context: Record<string, unknown>): Promise<string> => {
      const tracer = new FakeTracer();
      const agent = createAgent({ model: scripted([]), tools: [] });
      await agent.invoke({ messages: [{ role: 'user', content: 'Go.' }] }, { context, callbacks: [tracer] });
      return textsIn(tracer.runs);
    };
    expect(await traced({ token: secret })).toContain(secret);
    expect(await traced({ person: delegation({ humanToken: secret }) })).not.toContain(secret);
  });
});
