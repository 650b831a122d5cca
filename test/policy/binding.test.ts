import { describe, expect, it } from 'vitest';
import { lackingBinding } from '../../src/policy/binding.ts';
import type { BindingObligation } from '../../src/policy/obligation.ts';
import type { PolicyInput } from '../../src/policy/policy.ts';
import { agentOnly, input } from './support/inputs.ts';

type Demanded = Omit<BindingObligation, 'type' | 'rule'>;

function isEnough(demanded: Demanded, human: PolicyInput['human'] = {}, agent = input.agent): boolean {
  const call = { ...input, human: { ...input.human, ...human }, agent };
  return lackingBinding(call, { type: 'binding', rule: 'r', ...demanded }) === undefined;
}

describe('better credentials are enough', () => {
  it.each([
    ['dpop', 'dpop', true],
    ['dpop', 'mtls', false],
    ['mtls', 'mtls', true],
    ['mtls', 'dpop', false],
    ['bound', 'dpop', true],
    ['bound', 'mtls', true],
    ['bound', 'none', false],
    ['bound', undefined, false],
  ] as const)('where %s is demanded and the token is bound by %s: %s', (demanded, binding, enough) => {
    const bound: Record<string, string> = binding === undefined ? {} : { binding };
    expect(isEnough({ human: demanded }, bound)).toBe(enough);
    expect(isEnough({ agent: demanded }, {}, bound)).toBe(enough);
  });

  it('by any one of the kinds of login, and by each of the means', () => {
    expect(isEnough({ acr: ['silver', 'gold'] }, { acr: 'gold' })).toBe(true);
    expect(isEnough({ acr: ['silver', 'gold'] }, { acr: 'bronze' })).toBe(false);
    expect(isEnough({ acr: ['gold'] })).toBe(false);
    expect(isEnough({ amr: ['pwd', 'hwk'] }, { amr: ['hwk', 'otp', 'pwd'] })).toBe(true);
    expect(isEnough({ amr: ['pwd', 'hwk'] }, { amr: ['pwd'] })).toBe(false);
    expect(isEnough({ amr: ['hwk'] }, { amr: 'hwk' })).toBe(false);
    expect(isEnough({ amr: ['hwk'] })).toBe(false);
  });

  const now = Date.parse(input.now) / 1_000;

  it.each([
    ['as long ago as is allowed', now - 300, true],
    ['a second longer ago', now - 301, false],
    ['by a clock that is a little ahead', now + 30, true],
    ['by one that is further ahead', now + 31, false],
    ['in milliseconds, which are the year 57970', Date.parse(input.now) - 3_600_000, false],
    ['nobody knows when', undefined, false],
  ])('of a login %s', (_, authTime, enough) => {
    const { authTime: _authTime, ...human } = { ...input.human };
    const call = { ...input, human: { ...human, ...(authTime !== undefined && { authTime }) } };
    const lacking = lackingBinding(call, { type: 'binding', rule: 'r', maxAge: 300_000 });
    expect(lacking === undefined).toBe(enough);
  });

  it('never of nobody', () => {
    for (const demanded of [{ human: 'bound' }, { acr: ['a'] }, { amr: ['a'] }, { maxAge: 1_000 }] as const)
      expect(lackingBinding(agentOnly, { type: 'binding', rule: 'r', ...demanded })).toMatch(/the person/);
  });
});
