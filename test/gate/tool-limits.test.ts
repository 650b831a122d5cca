import { describe, expect, it } from 'vitest';
import type { Call, ToolStanding } from '../../src/call/call.ts';
import { decide, type DecideContext } from '../../src/gate/decide.ts';
import { refusedByLimits } from '../../src/gate/tool-limits.ts';
import { toolVisibility } from '../../src/gate/tool-visibility.ts';
import { verifiedPrincipal, type Principal, type ToolLimit } from '../../src/identity/principal.ts';
import { compilePolicy } from '../../src/policy/compile.ts';

const observedAt = '2026-01-02T12:00:00.000Z';

function principalWith(...limits: readonly ToolLimit[]): Principal {
  return verifiedPrincipal({
    tenant: 'default',
    apiKeyId: 'key-1',
    agent: {
      value: { id: 'spiffe://plant.test/agent/planner', issuer: 'spiffe://plant.test', binding: 'none' },
      source: 'api-key',
      verified: true,
      observedAt,
    },
    ...(limits.length > 0 && { limits }),
  });
}

const key = (...tools: readonly string[]): ToolLimit => ({ by: 'api-key', tools });
const delegation = (...tools: readonly string[]): ToolLimit => ({ by: 'delegation', tools });
const code = (principal: Principal, server: string, name: string) =>
  refusedByLimits(principal, { server, name })?.code;

describe('a limit of tools', () => {
  it.each<[string, readonly ToolLimit[], string, string | undefined]>([
    ['admits everything where there is none', [], 'read', undefined],
    ['admits what it names', [key('files/read')], 'read', undefined],
    ['admits what its pattern covers', [key('crm/*', 'files/re*')], 'read', undefined],
    ['admits nothing else', [key('files/write')], 'read', 'KEY_TOOL_REFUSED'],
    ['admits nothing when it names nothing', [delegation()], 'read', 'DELEGATION_TOOL_REFUSED'],
    ['adds up with others', [key('files/*'), delegation('files/write')], 'read', 'DELEGATION_TOOL_REFUSED'],
    ['is never widened by another', [key('files/write'), delegation('*/*')], 'read', 'KEY_TOOL_REFUSED'],
    ['counts for what is no tool as well', [key('files/resources:*')], 'resources:read', undefined],
    ['does not take a method for a tool', [key('files/read*')], 'resources:read', 'KEY_TOOL_REFUSED'],
    ['matches the server apart', [key('*/read')], 'x/read', 'KEY_TOOL_REFUSED'],
    ['heeds case', [key('files/Read')], 'read', 'KEY_TOOL_REFUSED'],
    ['admits nothing by what is no pattern', [key('files', 'files/{read}', '')], 'read', 'KEY_TOOL_REFUSED'],
  ])('%s', (_, limits, tool, expected) => {
    expect(code(principalWith(...limits), 'files', tool)).toBe(expected);
  });
});

const policy = compilePolicy([
  {
    name: 'all.yaml',
    text: `version: 1
name: all
rules:
  - id: all
    effect: allow
    tools: ["*/*"]
    reason: Everything is allowed.
`,
  },
]);
const call: Call = {
  id: '01932f5e-0000-7000-8000-000000000001',
  server: { name: 'files', digest: '0'.repeat(64) },
  kind: 'tool',
  tool: 'read',
  params: new Uint8Array(),
  arguments: {},
  payload: new Uint8Array(),
  era: 'modern',
};
const context: DecideContext = {
  policy,
  session: { id: 's', tenant: 'default', mode: 'same-user' },
  now: Date.parse(observedAt),
  revocations: { epoch: null, revoked: [] },
};
const listed: ToolStanding = {
  kind: 'listed',
  definition: { sha256: '1'.repeat(64), accepted: true, declaredProperties: [] },
};

describe('what an agent was not left', () => {
  it.each<[readonly ToolLimit[], string]>([
    [[key('files/write')], 'KEY_TOOL_REFUSED'],
    [[key('files/*'), delegation('crm/*')], 'DELEGATION_TOOL_REFUSED'],
  ])('is denied though policy allows it: %j', (limits, expected) => {
    expect(decide(call, principalWith(...limits), listed, context).decision).toMatchObject({
      verdict: 'DENY',
      code: expected,
    });
    expect(decide(call, principalWith(key('files/read')), listed, context).decision.verdict).toBe('ALLOW');
  });

  it('is denied before it is told whether there is such a tool', () => {
    const { decision } = decide(call, principalWith(key('crm/*')), { kind: 'unknown' }, context);
    expect(decision.code).toBe('KEY_TOOL_REFUSED');
  });

  it('is in no list', () => {
    const isVisible = toolVisibility(policy)(
      principalWith(key('files/*'), delegation('files/read', 'crm/read')),
    );
    const shown = [
      ['files', 'read'],
      ['files', 'write'],
      ['crm', 'read'],
    ].filter(([server = '', name = '']) => isVisible({ server, name }));
    expect(shown).toEqual([['files', 'read']]);
  });
});

describe('an agent that nothing proves', () => {
  it('is no variable of the input that a denial commits to', () => {
    const { agent, ...rest } = principalWith();
    const unproven = verifiedPrincipal({
      ...rest,
      agent: { ...agent, verified: false },
      refusal: { code: 'AGENT_PROOF_MISSING', message: 'Nothing proves it.' },
    });
    const { input, decision } = decide(call, unproven, listed, context);
    expect(input.agent).toEqual({});
    expect(decision.code).toBe('AGENT_PROOF_MISSING');
  });
});
