import { describe, expect, it } from 'vitest';
import { conversations } from '../support/conversation.ts';
import { oddExchanges, saidDirectly } from '../support/odd-messages.ts';
import { expectOnlySpliced } from '../support/spliced.ts';

const wrap = conversations();

describe('the same hundred odd messages, direct and wrapped', () => {
  const exchanges = oddExchanges();

  it('give the same bytes, but for the envelope of a call', async () => {
    expect(exchanges.length).toBeGreaterThan(100);
    const direct = (await saidDirectly(exchanges)).split('\n');
    const client = wrap();
    for (const { id, sent } of exchanges) {
      client.send(sent);
      await client.until((text) => text.split('\n').length > 2 * id);
    }
    const wrapped = client.received().split('\n');
    expect(wrapped).toHaveLength(direct.length);
    for (const { id, isCall } of exchanges) {
      const at = 2 * (id - 1);
      expect(wrapped[at]).toBe(direct[at]);
      if (isCall) expectOnlySpliced(wrapped[at + 1] ?? '', direct[at + 1] ?? '');
      else expect(wrapped[at + 1]).toBe(direct[at + 1]);
    }
  });

  it('reach the server in the same bytes', async () => {
    const client = wrap();
    for (const { sent } of exchanges) client.send(sent);
    await client.until((text) => text.split('\n').length > 2 * exchanges.length);
    const reached = client.reached().split('\n');
    // Calls wait for the gate, the rest does not: the order differs.
    const sent = exchanges.map((exchange) => exchange.sent.slice(0, -1));
    const own = reached.filter((line) => line.includes('"id":"countersign-'));
    expect(reached.sort()).toEqual([...sent, ...own, ''].sort());
  });
});
