import { describe, expect, it } from 'vitest';
import { verifiedPrincipal, type Human, type Principal } from '../../../src/identity/principal.ts';
import type { Revocation } from '../../../src/identity/revocation/revocation.ts';
import { assertIndexable, revokedBy, unlessRevoked } from '../../../src/identity/revocation/revoked-by.ts';

const agentId = 'spiffe://home.test/agent/planner';
const issuer = 'https://idp.test';
const at = Date.parse('2026-11-22T08:00:00Z') / 1_000;

function principal(human: Partial<Human> = {}, more: Partial<Principal> = {}): Principal {
  const attribute = <T>(value: T) => ({ value, source: 'test', verified: true, observedAt: '' });
  return verifiedPrincipal({
    tenant: 'default',
    apiKeyId: 'key-1',
    agent: attribute({ id: agentId, issuer: 'spiffe://home.test', binding: 'none' as const }),
    human: attribute({
      issuer,
      subject: 'ada',
      tenant: 'default',
      roles: [],
      sid: 'session-1',
      authTime: at,
      binding: 'none' as const,
      ...human,
    }),
    device: attribute({ id: 'laptop-7', trust: 'managed' }),
    ...more,
  });
}

const codeOf = (revoked: readonly Revocation[], of = principal(), tool?: { server: string; name: string }) =>
  revokedBy({ epoch: '1', revoked }, of, tool)?.code;

describe('a revocation', () => {
  it.each<[Revocation, string]>([
    [{ kind: 'everything', id: '' }, 'EVERYTHING_REVOKED'],
    [{ kind: 'key', id: 'key-1' }, 'API_KEY_REVOKED'],
    [{ kind: 'agent', id: agentId }, 'AGENT_REVOKED'],
    [{ kind: 'human', id: 'ada' }, 'HUMAN_REVOKED'],
    [{ kind: 'human', id: 'ada', issuer }, 'HUMAN_REVOKED'],
    [{ kind: 'session', id: 'session-1' }, 'SESSION_REVOKED'],
    [{ kind: 'session', id: 'session-1', issuer }, 'SESSION_REVOKED'],
    [{ kind: 'device', id: 'laptop-7' }, 'DEVICE_REVOKED'],
  ])('%o stops whoever it names', (revocation, code) => {
    expect(codeOf([revocation])).toBe(code);
  });

  it.each<Revocation>([
    { kind: 'key', id: 'key-2' },
    { kind: 'agent', id: 'key-1' },
    { kind: 'agent', id: `${agentId}/other` },
    { kind: 'human', id: 'Ada' },
    { kind: 'human', id: 'ada', issuer: 'https://other.test' },
    { kind: 'session', id: 'ada' },
    { kind: 'session', id: 'session-1', issuer: 'https://other.test' },
    { kind: 'device', id: 'ada' },
    { kind: 'key', id: '__proto__' },
    { kind: 'tool', id: 'files/*' },
  ])('%o stops nobody else', (revocation) => {
    expect(codeOf([revocation])).toBeUndefined();
  });

  it('of a tool stops calls of what its pattern matches, and nothing else of the same caller', () => {
    const stops = (id: string, server: string, name: string): boolean =>
      codeOf([{ kind: 'tool', id }], principal(), { server, name }) === 'TOOL_REVOKED';
    expect(stops('files/delete', 'files', 'delete')).toBe(true);
    expect(stops('files/delete', 'files', 'read')).toBe(false);
    expect(stops('files/*', 'files', 'delete')).toBe(true);
    expect(stops('*/delete', 'other', 'delete')).toBe(true);
    expect(stops('files/*', 'files/x', 'delete')).toBe(false);
  });
});

describe('a revocation of what began before a time', () => {
  const before = new Date(at * 1_000).toISOString();
  const logOut: Revocation = { kind: 'human', id: 'ada', before };

  it('stops a login before it, and lets one after it through', () => {
    expect(codeOf([logOut], principal({ authTime: at - 1 }))).toBe('HUMAN_REVOKED');
    expect(codeOf([logOut], principal({ authTime: at }))).toBeUndefined();
    expect(codeOf([logOut], principal({ authTime: at + 60 }))).toBeUndefined();
  });

  it('goes by the login where that is told: a token that was only refreshed stays revoked', () => {
    expect(codeOf([logOut], principal({ authTime: at - 60, issuedAt: at + 60 }))).toBe('HUMAN_REVOKED');
  });

  it('goes by the token’s own time else, and takes an unknown time for one before', () => {
    const { authTime: _, ...unknown } = principal().human?.value ?? ({} as Human);
    const of = (human: Human): Principal => principal({}, { human: { ...principal().human!, value: human } });
    expect(codeOf([logOut], of({ ...unknown, issuedAt: at + 1 }))).toBeUndefined();
    expect(codeOf([logOut], of({ ...unknown, issuedAt: at - 1 }))).toBe('HUMAN_REVOKED');
    expect(codeOf([logOut], of(unknown))).toBe('HUMAN_REVOKED');
  });

  it('gives nothing back that another revocation took for good', () => {
    const forGood: Revocation = { kind: 'human', id: 'ada', issuer };
    expect(codeOf([logOut, forGood], principal({ authTime: at + 60 }))).toBe('HUMAN_REVOKED');
  });

  it('stops everybody when its time cannot be read', () => {
    expect(codeOf([{ ...logOut, before: 'soon' }], principal({ authTime: at + 60 }))).toBe('HUMAN_REVOKED');
  });
});

describe('a state', () => {
  it('with a pattern that is none is refused before anybody relies on it', () => {
    expect(() => assertIndexable({ epoch: '1', revoked: [{ kind: 'tool', id: 'no-slash' }] })).toThrow();
  });

  it('makes a principal one who may nothing, and leaves a refusal that was there', () => {
    const state = { epoch: '1', revoked: [{ kind: 'key', id: 'key-1' }] as const };
    expect(unlessRevoked(state, principal()).refusal).toMatchObject({ code: 'API_KEY_REVOKED' });
    const refused = principal({}, { refusal: { code: 'KEY_NETWORK_REFUSED', message: '' } });
    expect(unlessRevoked(state, refused)).toBe(refused);
    const other = principal({}, { apiKeyId: 'key-2' });
    expect(unlessRevoked(state, other)).toBe(other);
  });
});
