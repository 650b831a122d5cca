import { describe, expect, it } from 'vitest';
import { createGate } from '../../src/gate/create-gate.ts';
import type { Execution } from '../../src/targets/target.ts';
import { countingTarget, never } from './harness.ts';
import { abortedTarget, allowing, budget, codeOf, rate, under } from './demanding.ts';

describe('a rate', () => {
  it('lets so many calls of a window pass and no more, and those of the next again', async () => {
    const { run, clock } = await under(allowing(rate));
    const codes = [await run(), await run(), await run()].map(codeOf);
    expect(codes).toEqual(['done', 'done', 'RATE_EXCEEDED']);
    clock.offset += 70_000;
    expect(codeOf(await run())).toBe('done');
  });

  it('holds between calls that come at once, and between two gates of one log', async () => {
    const { run, parts, apiKey, call } = await under(allowing(rate));
    const other = createGate({ ...parts, instance: 'instance-2' });
    const results = await Promise.all(
      Array.from({ length: 6 }, (_, at) =>
        at % 2 === 0 ? run() : other.run(call(), { apiKey }, countingTarget(), never),
      ),
    );
    expect(results.map(codeOf).filter((code) => code === 'done')).toHaveLength(2);
    expect(new Set(results.map(codeOf))).toEqual(new Set(['done', 'RATE_EXCEEDED']));
  });

  it('says when something is free again, and that the same call may be asked again then', async () => {
    const { run } = await under(allowing('{type: rate, limit: 1, window: 1m, per: [agent]}'));
    await run();
    const refused = await run();
    expect(refused).toMatchObject({
      kind: 'denied',
      denial: { code: 'RATE_EXCEEDED', rule: 'r', retryable: true },
    });
    expect(refused.kind === 'denied' && refused.denial.message).toMatch(/free again at \d{4}-/);
  });

  it('names the rule whose counter is full, not the one that demands most', async () => {
    const { run } = await under(
      '{id: a, effect: allow, tools: ["*/*"], obligations: [{type: rate, limit: 9, window: 1m, per: [agent]}, {type: notify, to: ops}]}',
      '{id: b, effect: allow, tools: ["*/*"], obligations: [{type: rate, limit: 1, window: 1m, per: [agent]}]}',
    );
    await run();
    expect(await run()).toMatchObject({ kind: 'denied', denial: { code: 'RATE_EXCEEDED', rule: 'b' } });
  });

  it('counts for each tool where it is per tool', async () => {
    const { run, call, tools } = await under(allowing('{type: rate, limit: 1, window: 1m, per: [tool]}'));
    tools.set('other', { ...tools.get('echo')!, sha256: 'c'.repeat(64) });
    const codes = [await run(call('echo')), await run(call('other')), await run(call('echo'))].map(codeOf);
    expect(codes).toEqual(['done', 'done', 'RATE_EXCEEDED']);
  });
});

describe('a budget', () => {
  const amounts = async (made: Awaited<ReturnType<typeof under>>, ...ns: readonly number[]) => {
    const codes: string[] = [];
    for (const n of ns) codes.push(codeOf(await made.run(made.call('echo', { n }))));
    return codes;
  };

  it('is reserved before a call runs: three times a third and a little is too much', async () => {
    const made = await under(allowing(budget));
    expect(await amounts(made, 34, 34, 34, 32, 0)).toEqual([
      'done',
      'done',
      'BUDGET_EXCEEDED',
      'done',
      'done',
    ]);
  });

  it('is given back when nothing ran, and not when nobody knows', async () => {
    const made = await under(allowing(budget));
    await made.run(made.call('echo', { n: 90 }), abortedTarget());
    expect(await amounts(made, 90)).toEqual(['done']);
    const unknown: Execution = {
      kind: 'none',
      outcome: 'unknown',
      code: 'UPSTREAM_GONE',
      message: 'Gone.',
    };
    await made.run(made.call('echo', { n: 10 }), countingTarget(unknown));
    expect(await amounts(made, 1)).toEqual(['BUDGET_EXCEEDED']);
  });

  it('that cannot be read in the ledger denies', async () => {
    const made = await under(allowing(budget));
    await amounts(made, 1);
    const [[key]] = [...(await made.ledger.headsUnder('counter/'))] as [[string, string]];
    const { ledger } = made;
    made.parts.ledger.heads = (keys) =>
      keys.includes(key) ? Promise.resolve(new Map([[key, '{"slots":[["x",1]]}']])) : ledger.heads(keys);
    expect(await amounts(made, 1)).toEqual(['LEDGER_CORRUPT']);
  });
});
