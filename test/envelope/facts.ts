import type { Call } from '../../src/call/call.ts';
import { utf8 } from '../../src/call/bytes.ts';
import type { VerdictFacts } from '../../src/envelope/facts.ts';
import type { Principal } from '../../src/identity/principal.ts';
import { verifiedPrincipal } from '../../src/identity/principal.ts';

const digest = (character: string): string => character.repeat(64);
const attribute = <T>(value: T, verified = true) => ({
  value,
  source: 'api-key',
  verified,
  observedAt: '2026-11-21T21:00:00Z',
});

export const time = Date.UTC(2026, 10, 21, 21, 0, 1, 234);

export const principal: Principal = verifiedPrincipal({
  tenant: 'default',
  apiKeyId: 'key-1',
  agent: attribute({ id: 'agent-1', issuer: 'countersign', binding: 'none' as const }),
});

export const fullPrincipal: Principal = verifiedPrincipal({
  ...principal,
  human: attribute({
    issuer: 'https://idp.example.org',
    subject: 'subject-1',
    tenant: 'default',
    roles: ['reader'],
    groups: [],
    authTime: Math.floor(time / 1_000),
    binding: 'none',
  }),
  device: attribute({ id: 'device-1', trust: 'managed' }),
  network: attribute({ ip: '192.0.2.7', zone: 'office' }, false),
});

export const call: Call = {
  id: '01932f5e-0000-7000-8000-000000000001',
  server: { name: 'files', digest: digest('1') },
  kind: 'tool',
  tool: 'read_file',
  params: utf8('{"name":"read_file","arguments":{"path":"a"}}'),
  arguments: { path: 'a' },
  payload: utf8('{}'),
  era: 'modern',
  client: { name: 'client' },
};

export const allowed: VerdictFacts = {
  call,
  principal,
  standing: {
    kind: 'listed',
    definition: { sha256: digest('2'), accepted: true, declaredProperties: ['path'] },
  },
  commitments: { subject: digest('3'), params: digest('4'), arguments: { '/path': digest('5') } },
  input: digest('6'),
  decision: {
    verdict: 'ALLOW',
    code: 'RULE_ALLOWS',
    rule: 'accepted-tools',
    message: 'The operator accepted this tool.',
    obligations: [],
    controls: ['NIST-800-53r5:AC-3'],
  },
  policy: { id: 'starter', digest: digest('7'), engine: 'cel/0.6.1' },
  session: { id: '3f1c9d6e-1111-4111-8111-111111111111', seq: 1, prev: digest('8') },
  mode: 'same-user',
  decidedAt: time,
  notAfter: time + 5000,
};

export const denied: VerdictFacts = {
  ...allowed,
  standing: { kind: 'unknown' },
  decision: { verdict: 'DENY', code: 'TOOL_UNKNOWN', message: 'The server does not list it.', controls: [] },
};
