import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/call/sha256.ts';
import type { JsonObject } from '../../../src/call/json.ts';
import { answerApproval } from '../../../src/gate/approvals/answer.ts';
import { reviewContent } from '../../../src/gate/approvals/findings.ts';
import { contentOfApproval, openApprovals } from '../../../src/gate/approvals/open-approvals.ts';
import type { PendingApproval } from '../../../src/gate/approvals/approval.ts';
import { createGate } from '../../../src/gate/create-gate.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import { allowEverything, countingTarget, harness, never, newStore, statementOf } from '../harness.ts';
import { byOperator } from './world.ts';

async function gated(
  options: {
    plaintextOf?: Policy['plaintextOf'];
    store?: ReturnType<typeof newStore>;
    instance?: string;
  } = {},
) {
  const decide = () =>
    ({ ...allowEverything(), obligations: [byOperator] }) as ReturnType<typeof allowEverything>;
  const made = await harness({ decide, ...options });
  const { gate, apiKey, call, ledger, parts } = made;
  const target = countingTarget();
  return {
    ...made,
    target,
    run: (args: JsonObject = { path: 'a' }) => gate.run(call('echo', args), { apiKey }, target, never),
    async waiting(): Promise<PendingApproval> {
      const [first] = await openApprovals(ledger, parts.clock.now());
      if (first === undefined) throw new Error('nothing waits');
      return first;
    },
    approve: (id: string) =>
      answerApproval(parts, id, { verdict: 'approve', by: 'operator', method: 'terminal' }),
  };
}

const predicateOf = (bundle: string | undefined): JsonObject => statementOf(bundle).predicate;

describe('a gate whose policy demands an approval', () => {
  it('denies in a signed statement, runs the call once it was approved, once, and states who did', async () => {
    const { run, waiting, approve, target } = await gated();
    const denied = await run();
    expect(denied).toMatchObject({ kind: 'denied', denial: { code: 'APPROVAL_REQUIRED' } });
    expect(target.runs).toBe(0);
    const { id } = await waiting();
    await approve(id);
    expect(await run({ path: 'b' })).toMatchObject({ denial: { code: 'APPROVAL_REQUIRED' } });
    const done = await run();
    expect(done.kind).toBe('done');
    const approvals = predicateOf(done.envelopes?.verdict)['approvals'];
    expect(approvals).toMatchObject([{ id, grants: [{ by: 'operator', method: 'terminal' }] }]);
    expect(done.envelopes?.openings.approvals).toHaveProperty(id);
    expect(await run()).toMatchObject({ denial: { code: 'APPROVAL_REQUIRED' } });
    expect(target.runs).toBe(1);
  });

  it('lets one of two gates run it, of those that share the ledger’s store', async () => {
    const store = newStore();
    const one = await gated({ store });
    await one.run();
    const { id } = await one.waiting();
    await one.approve(id);
    const other = createGate({ ...one.parts, instance: 'instance-2' });
    const settled = await Promise.all([
      one.run(),
      other.run(one.call('echo', { path: 'a' }), { apiKey: one.apiKey }, one.target, never),
    ]);
    expect(settled.map(({ kind }) => kind).toSorted()).toEqual(['denied', 'done']);
    expect(one.target.runs).toBe(1);
  });

  it('lets nobody use what was refused', async () => {
    const { run, waiting, parts, target } = await gated();
    await run();
    const { id } = await waiting();
    await answerApproval(parts, id, { verdict: 'deny', by: 'operator', method: 'terminal' });
    expect(await run()).toMatchObject({ kind: 'denied', denial: { code: 'APPROVAL_REFUSED' } });
    expect(target.runs).toBe(0);
  });
});

describe('what is shown to whoever approves', () => {
  it('is exactly what the request stands for, from what the denied call has left', async () => {
    const { run, waiting, ledger } = await gated();
    const given = { path: 'a', list: [1, { deep: 'x\u202ey' }] };
    await run(given);
    const content = await contentOfApproval(ledger, await waiting());
    expect(content).toEqual({ arguments: given });
    expect(content && reviewContent(content)).toMatchObject([
      { at: '/list/1/deep', excerpt: expect.stringContaining('\\u{202e}') },
    ]);
  });

  it('is nothing where the plaintext is not kept, or is not what was asked', async () => {
    const dropped = await gated({ plaintextOf: () => ({ kind: 'redact' }) });
    await dropped.run();
    expect(await contentOfApproval(dropped.ledger, await dropped.waiting())).toBeUndefined();
    const { run, waiting, ledger } = await gated();
    await run();
    const approval = await waiting();
    for (const value of ['{"arguments":{"path":"b"}}', '[]', '{', '{"arguments":1}']) {
      const side = () => Promise.resolve([{ name: 'action', salt: new Uint8Array(16), value: utf8(value) }]);
      expect(await contentOfApproval({ side }, approval)).toBeUndefined();
    }
    expect(await contentOfApproval(ledger, approval)).toBeDefined();
  });
});
