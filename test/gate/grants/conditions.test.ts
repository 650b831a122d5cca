import { describe, expect, it } from 'vitest';
import type { CounterDemand } from '../../../src/gate/counters/counter.ts';
import { refusedByGrants } from '../../../src/gate/grants/conditions.ts';
import { grantDemands } from '../../../src/gate/grants/demands.ts';
import type { Grant } from '../../../src/identity/grants/grant.ts';
import { verifiedPrincipal, type Principal } from '../../../src/identity/principal.ts';
import type { JsonObject } from '../../../src/call/json.ts';
import type { PolicyInput } from '../../../src/policy/policy.ts';

const agentId = 'spiffe://plant.test/agent/planner';

function grant(changes: Partial<Grant> = {}): Grant {
  return {
    id: 'task-1',
    issuer: 'shift-lead',
    subject: agentId,
    sha256: '0'.repeat(64),
    tools: ['*/*'],
    when: [],
    expiresAt: 0,
    lineage: ['default', 'shift-lead', 'task-1'],
    ...changes,
  };
}

function under(...grants: readonly Grant[]): Principal {
  return verifiedPrincipal({
    tenant: 'default',
    apiKeyId: 'key-1',
    agent: {
      value: { id: agentId, issuer: 'spiffe://plant.test', binding: 'none' },
      source: 'api-key',
      verified: true,
      observedAt: '2026-01-02T12:00:00Z',
    },
    ...(grants.length > 0 && { grants }),
  });
}

function calling(args: JsonObject, changes: Partial<PolicyInput> = {}): PolicyInput {
  return {
    agent: { id: agentId },
    session: { id: 's', tenant: 'default', mode: 'isolated' },
    tool: { server: 'files', name: 'read', accepted: true, listed: true },
    args,
    now: '2026-01-02T12:00:00Z',
    ...changes,
  };
}

const refusal = (when: readonly string[], args: JsonObject = { n: 1 }) =>
  refusedByGrants(under(grant({ when })), calling(args))?.code;

describe('a condition of a grant', () => {
  it.each([
    ['that cannot be evaluated', 'args.missing > 3'],
    ['that compares what cannot be compared', 'args.n > "x"'],
    ['that is no condition', 'args.n >'],
    ['that is no boolean', '1 + 1'],
    ['whose names do not exist', 'wizard.level > 3'],
    ['that reads a person whom there is not', 'human.subject == "ada"'],
    ['that denies reading a person whom there is not', '!has(human.blocked)'],
    ['that is false', 'args.n > 3'],
    ['that asks about a history that was not looked up', 'history.untrusted == false'],
    ['that never ends', `${'['.repeat(60)}1${']'.repeat(60)} == [1]`],
  ])('%s admits nothing', (_, condition) => {
    expect(refusal([condition])).toBe('GRANT_CONDITION_REFUSED');
  });

  it('admits nothing where it takes too many steps', () => {
    const list = Array.from({ length: 2_000 }, (_, i) => i);
    expect(refusal(['args.a.all(x, x in args.b)'], { a: list, b: list })).toBe('GRANT_CONDITION_REFUSED');
  });

  it('is not replaced by another one that holds', () => {
    expect(refusal(['true', 'args.n > 3', 'true'])).toBe('GRANT_CONDITION_REFUSED');
    const chain = under(grant({ when: ['args.n > 3'] }), grant({ when: ['true'] }));
    expect(refusedByGrants(chain, calling({ n: 1 }))?.code).toBe('GRANT_CONDITION_REFUSED');
    const turned = under(grant({ when: ['true'] }), grant({ when: ['args.n > 3'] }));
    expect(refusedByGrants(turned, calling({ n: 1 }))?.code).toBe('GRANT_CONDITION_REFUSED');
  });

  it('repeats no argument in its sentence', () => {
    const told = refusedByGrants(under(grant({ when: ['args.n == "x"'] })), calling({ n: 'swordfish' }));
    expect(told?.message).not.toContain('swordfish');
  });

  it('admits what it holds for', () => {
    expect(refusal(['args.n < 3', 'tool.server == "files"', 'now < timestamp("2027-01-01T00:00:00Z")'])).toBe(
      undefined,
    );
  });

  it('may ask for what the person signed', () => {
    const input = calling({ to: 'ada' }, { request: { text: 'Write to ada.', signed: true } });
    const asking = under(grant({ when: ['request.signed && request.text.contains(args.to)'] }));
    expect(refusedByGrants(asking, input)).toBeUndefined();
    expect(refusedByGrants(asking, calling({ to: 'ada' }))?.code).toBe('GRANT_CONDITION_REFUSED');
  });

  it('is asked of nobody without a grant', () => {
    expect(refusedByGrants(under(), calling({}))).toBeUndefined();
  });
});

describe('a budget of a grant', () => {
  const spending = under(grant({ budget: { limit: 100, amount: 'args.amount' } }));

  it.each<[string, JsonObject]>([
    ['is not told', {}],
    ['is below nothing', { amount: -1 }],
    ['is no number', { amount: '5' }],
    ['is a list', { amount: [5] }],
    ['is null', { amount: null }],
  ])('admits nothing whose amount %s', (_, args) => {
    expect(refusedByGrants(spending, calling(args))?.code).toBe('GRANT_CONDITION_REFUSED');
    const [demand] = grantDemands(spending, calling(args));
    expect(demand?.amount).toBe(Infinity);
  });

  it('admits nothing where its amount takes too many steps to read', () => {
    const list = Array.from({ length: 120_000 }, (_, i) => i);
    expect(refusedByGrants(spending, calling({ amount: list }))?.code).toBe('GRANT_CONDITION_REFUSED');
    expect(grantDemands(spending, calling({ amount: list }))[0]?.amount).toBe(Infinity);
  });

  it('admits nothing where its amount is no expression', () => {
    const broken = under(grant({ budget: { limit: 1, amount: 'args.' } }));
    expect(refusedByGrants(broken, calling({ amount: 1 }))?.code).toBe('GRANT_CONDITION_REFUSED');
  });

  it('takes what the call says, and whole numbers of the condition as well', () => {
    expect(grantDemands(spending, calling({ amount: 2.5 }))[0]).toMatchObject({ amount: 2.5, limit: 100 });
    const flat = under(grant({ budget: { limit: 5, amount: '1 + 1' } }));
    expect(grantDemands(flat, calling({}))[0]?.amount).toBe(2);
  });
});

describe('counters of grants', () => {
  const parent = grant({ calls: 2, budget: { limit: 10, amount: 'args.n' } });
  const part = grant({ id: 'part-1', calls: 5, lineage: [...parent.lineage, 'part-1'] });

  it('are taken from by what was handed on as well, for the whole life of each', () => {
    const demands = grantDemands(under(parent, part), calling({ n: 3 }));
    expect(demands.map(({ code, limit, amount, window }) => [code, limit, amount, window])).toEqual([
      ['RATE_EXCEEDED', 2, 1, Infinity],
      ['BUDGET_EXCEEDED', 10, 3, Infinity],
      ['RATE_EXCEEDED', 5, 1, Infinity],
    ]);
  });

  it('are one for each grant and kind, whatever its bytes, and another for every other', () => {
    const keys = (...grants: readonly Grant[]) =>
      grantDemands(under(...grants), calling({ n: 1 })).map(({ key }: CounterDemand) => key);
    expect(keys(parent)).toEqual(keys({ ...parent, sha256: '1'.repeat(64), calls: 9 }));
    expect(new Set(keys(parent, part)).size).toBe(3);
    const stranger = grant({ calls: 1, lineage: ['default', 'somebody', 'task-1'] });
    expect(keys(parent)).not.toEqual(expect.arrayContaining(keys(stranger)));
    const joined = grant({ calls: 1, lineage: ['default', 'shift-lead', 'task-1","part-1'] });
    expect(keys(part)).not.toEqual(keys(joined));
  });

  it('are none without a grant, and none of a grant that has none', () => {
    expect(grantDemands(under(), calling({}))).toEqual([]);
    expect(grantDemands(under(grant()), calling({}))).toEqual([]);
  });
});
