import { describe, expect, it } from 'vitest';
import type { Call } from '../../src/call/call.ts';
import type { JsonObject } from '../../src/call/json.ts';
import { redeemPermit } from '../../src/call/permit.ts';
import { commit } from '../../src/call/commitment.ts';
import { fromBase64, hex, utf8 } from '../../src/call/sha256.ts';
import type { CallResult } from '../../src/gate/gate.ts';
import type { Execution, Target } from '../../src/targets/target.ts';
import { countingTarget, never, statementOf } from './harness.ts';
import { allowing, codeOf, under } from './demanding.ts';

describe('arguments that policy changes', () => {
  const clamp = '{type: transform, set: {/limit: "args.limit > 100.0 ? 100.0 : args.limit"}}';
  const limited = (made: Awaited<ReturnType<typeof under>>, limit: number, canChange = true): Call => {
    const withArguments = (args: JsonObject) => {
      const params = utf8(JSON.stringify({ name: 'echo', arguments: args }));
      return { params, arguments: args, payload: params };
    };
    return { ...made.call('echo', { limit }), ...(canChange && { withArguments }) };
  };
  const seeing = (): Target & { payload?: string } => {
    const target: Target & { payload?: string } = {
      execute(permit) {
        redeemPermit(permit);
        target.payload = new TextDecoder().decode(permit.call.payload);
        return countingTarget()
          .execute(permit, never)
          .catch(() => ({
            kind: 'result' as const,
            ...{ result: utf8('{}'), value: {}, frame: utf8('{}'), pending: false },
          }));
      },
    };
    return target;
  };

  it('are what was decided and what runs, and the statement commits to what was asked beside', async () => {
    const made = await under(allowing(clamp));
    const call = limited(made, 5_000);
    const target = seeing();
    const result = await made.run(call, target);
    expect(target.payload).toBe('{"name":"echo","arguments":{"limit":100}}');
    if (result.kind !== 'done') throw new Error('it was to run');
    const { predicate } = statementOf(result.envelopes.verdict) as never as { predicate: Said };
    const { openings } = result.envelopes;
    const opens = (salt: string | undefined, bytes: Uint8Array): string =>
      hex(commit(fromBase64(salt ?? '') ?? new Uint8Array(), bytes));
    expect(predicate.params.commitment.sha256).toBe(opens(openings.params, utf8(target.payload ?? '')));
    expect(predicate.asked.params.commitment.sha256).toBe(opens(openings.asked, call.params));
  });

  it('stay what they are where the change comes to the same', async () => {
    const made = await under(allowing(clamp));
    const result = await made.run(limited(made, 7));
    expect(result.kind === 'done' && statementOf(result.envelopes.verdict).predicate).not.toHaveProperty(
      'asked',
    );
  });

  it('are decided on again: a rule that denies the changed ones denies', async () => {
    const deny = '{id: d, effect: deny, tools: ["*/*"], when: args.limit == 100.0}';
    const made = await under(allowing(clamp), deny);
    expect(codeOf(await made.run(limited(made, 5_000)))).toBe('RULE_DENIES');
  });

  it('that would change again and again deny', async () => {
    const made = await under(allowing('{type: transform, set: {/limit: args.limit + 1.0}}'));
    expect(codeOf(await made.run(limited(made, 1)))).toBe('OBLIGATION_UNMET');
  });

  it('that a list does not have cannot be set, and two rules that set one otherwise cannot both hold', async () => {
    const beyond = await under(allowing('{type: transform, set: {/items/3: "1.0"}}'));
    const call = { ...limited(beyond, 1), arguments: { items: [1] } };
    expect(codeOf(await beyond.run(call))).toBe('OBLIGATION_UNMET');
    const other =
      '{id: q, effect: allow, tools: ["*/*"], obligations: [{type: transform, set: {/limit: "2.0"}}]}';
    const both = await under(allowing('{type: transform, set: {/limit: "1.0"}}'), other);
    expect(codeOf(await both.run(limited(both, 5)))).toBe('OBLIGATION_UNMET');
  });

  it('that nobody here can change deny, also for callers that carry calls out themselves', async () => {
    const made = await under(allowing(clamp));
    expect(codeOf(await made.run(limited(made, 5_000, false)))).toBe('OBLIGATION_UNMET');
    const delegated = await made.gate.delegate(limited(made, 5_000, false), {
      apiKey: made.apiKey,
    });
    expect(delegated).toMatchObject({ kind: 'denied', denial: { code: 'OBLIGATION_UNMET' } });
  });

  it('can lose what matches a pattern', async () => {
    const made = await under(allowing("{type: redact, of: arguments, match: '[0-9]{4}', with: '####'}"));
    const target = seeing();
    const call = limited(made, 0);
    await made.run({ ...call, arguments: { note: 'pin 1234' } }, target);
    expect(target.payload).toContain('"note":"pin ####"');
  });
});

interface Said {
  readonly params: { readonly commitment: { readonly sha256: string } };
  readonly asked: { readonly params: { readonly commitment: { readonly sha256: string } } };
}

describe('a result', () => {
  const frame = utf8(
    '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"card 4111-1111"}],"n":1}}',
  );
  const inner = frame.subarray(frame.indexOf(123, 10), frame.length - 1);
  const told: Execution = {
    kind: 'result',
    result: inner,
    value: JSON.parse(new TextDecoder().decode(inner)) as JsonObject,
    frame,
    pending: false,
  };
  const asText = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

  it('reaches the caller without what the rule takes out, and the outcome commits to what it gets', async () => {
    const made = await under(
      allowing("{type: redact, of: result, match: '[0-9]{4}-[0-9]{4}', fields: [/n]}"),
    );
    const result = await made.run(made.call(), countingTarget(told));
    if (result.kind !== 'done' || result.execution.kind !== 'result') throw new Error('it was to run');
    expect(asText(result.execution.frame)).toBe(
      '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"card [redacted]"}],"n":"[redacted]"}}',
    );
    const { predicate } = statementOf(result.envelopes.outcome) as never as {
      predicate: { enforcement: string[]; result: { raw: { commitment: { sha256: string } } } };
    };
    expect(predicate.enforcement).toEqual(['redacted']);
    const salt = fromBase64(result.envelopes.openings.result?.raw ?? '') ?? new Uint8Array();
    expect(predicate.result.raw.commitment.sha256).toBe(hex(commit(salt, result.execution.result)));
  });

  it('that is too large is withheld, and the outcome says that the call ran', async () => {
    const made = await under(allowing('{type: limit, bytes: 20}'));
    const result = await made.run(made.call(), countingTarget(told));
    expect(result).toMatchObject({
      kind: 'done',
      execution: { kind: 'none', code: 'RESULT_TOO_LARGE' },
    });
    const outcome = result.kind === 'done' ? statementOf(result.envelopes.outcome).predicate : {};
    expect(outcome).toMatchObject({ outcome: 'executed', enforcement: ['withheld'] });
  });

  it('may be as large as the smallest of the limits, and no larger', async () => {
    const limited = async (bytes: number): Promise<CallResult> => {
      const other = `{id: q, effect: allow, tools: ["*/*"], obligations: [{type: limit, bytes: ${bytes + 1}}]}`;
      const made = await under(allowing(`{type: limit, bytes: ${bytes}}`), other);
      return made.run(made.call(), countingTarget(told));
    };
    expect(await limited(inner.length)).toMatchObject({ execution: { kind: 'result' } });
    expect(await limited(inner.length - 1)).toMatchObject({
      execution: { code: 'RESULT_TOO_LARGE' },
    });
  });

  it('that comes later is bounded as well, and so is what announces it', async () => {
    const made = await under(allowing("{type: redact, of: result, match: '[0-9]{4}-[0-9]{4}'}"));
    const call = made.call();
    const announced = await made.run(call, countingTarget({ ...told, pending: true }));
    if (announced.kind !== 'done' || announced.execution.kind !== 'result') throw new Error('it was to run');
    expect(asText(announced.execution.frame)).toContain('card [redacted]');
    const later = await made.gate.settleLater(call.id, told);
    if ('denial' in later || later.execution.kind !== 'result') throw new Error('it was to be settled');
    expect(asText(later.execution.result)).toContain('card [redacted]');
    expect(statementOf(later.outcome).predicate).toMatchObject({ enforcement: ['redacted'] });
  });

  it.each(['{type: limit, bytes: 20}', "{type: redact, of: result, match: '[0-9]'}"])(
    'cannot be bounded for whoever carries the call out, or has it as it comes: %s denies',
    async (obligation) => {
      const made = await under(allowing(obligation));
      const delegated = await made.gate.delegate(made.call(), { apiKey: made.apiKey });
      expect(delegated).toMatchObject({ kind: 'denied', denial: { code: 'OBLIGATION_UNMET' } });
      expect(codeOf(await made.run({ ...made.call(), isLive: true }))).toBe('OBLIGATION_UNMET');
    },
  );

  it('that does not come within the time ends the lease', async () => {
    const made = await under(allowing('{type: limit, time: 1s}'));
    const waiting: Target = {
      execute: (permit, signal) => {
        redeemPermit(permit);
        return new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            resolve({ kind: 'none', outcome: 'unknown', code: 'LEASE_ENDED', message: 'Ended.' });
          });
        });
      },
    };
    const result = await made.run(made.call(), waiting);
    expect(result).toMatchObject({ kind: 'done', execution: { code: 'LEASE_ENDED' } });
  });
});

describe('a better binding', () => {
  it.each(['{type: binding, human: bound}', '{type: binding, agent: dpop}', '{type: binding, maxAge: 5m}'])(
    '%s is demanded of who has none',
    async (obligation) => {
      const made = await under(allowing(obligation));
      expect(codeOf(await made.run())).toBe('BINDING_REQUIRED');
    },
  );
});

describe('a confirmation', () => {
  it('is demanded of who says nothing of one, and is stated as the word of the caller', async () => {
    const made = await under(allowing('{type: confirm}'));
    expect(codeOf(await made.run())).toBe('CONFIRMATION_REQUIRED');
    const result = await made.run({ ...made.call(), confirmed: true });
    const verdict = result.kind === 'done' ? statementOf(result.envelopes.verdict).predicate : {};
    expect(verdict).toMatchObject({ confirmation: 'client-asserted' });
  });

  it('is no approval', async () => {
    const made = await under(allowing('{type: approval, from: operator}'));
    expect(codeOf(await made.run({ ...made.call(), confirmed: true }))).toBe('APPROVAL_REQUIRED');
  });
});

describe('a notice', () => {
  it('tells what came of the call, with its envelopes', async () => {
    const made = await under(allowing('{type: notify, to: ops}'));
    const result = await made.run();
    const { verdict, outcome } = result.kind === 'done' ? result.envelopes : { verdict: '', outcome: '' };
    expect(made.notices).toEqual([
      [
        'ops',
        expect.objectContaining({
          rule: 'r',
          outcome: 'executed',
          envelopes: { verdict, outcome },
        }),
      ],
    ]);
  });

  it('to somebody who is not known denies', async () => {
    const made = await under(allowing('{type: notify, to: nobody}'));
    expect(codeOf(await made.run())).toBe('OBLIGATION_UNMET');
  });
});

describe('a policy in shadow', () => {
  const denying = '{id: stop, effect: deny, tools: ["*/*"], shadow: true}';

  it('lets a call run that it would deny, and its statement says DENY, not enforced', async () => {
    const made = await under(denying);
    const target = countingTarget();
    const result = await made.run(made.call(), target);
    expect([codeOf(result), target.runs]).toEqual(['done', 1]);
    const verdict = result.kind === 'done' ? statementOf(result.envelopes.verdict) : undefined;
    expect(verdict?.predicateType).toBe('https://countersign.dev/shadow/v1');
    expect(verdict?.predicate).toMatchObject({ verdict: 'DENY', reason: { rule: 'stop' } });
  });

  it('demands nothing either', async () => {
    const made = await under(
      '{id: r, effect: allow, tools: ["*/*"], shadow: true, obligations: [{type: witness, count: 8}, {type: limit, bytes: 1}, {type: notify, to: ops}]}',
    );
    expect(await made.run()).toMatchObject({ kind: 'done', execution: { kind: 'result' } });
    expect(made.notices).toEqual([]);
  });

  it('overrides nothing that the gate itself refuses', async () => {
    const made = await under(denying);
    expect(codeOf(await made.run(made.call('unlisted')))).toBe('TOOL_UNKNOWN');
    const foreign = await made.gate.run(made.call(), { apiKey: 'nothing' }, countingTarget(), never);
    expect(foreign.kind).toBe('denied');
  });
});
