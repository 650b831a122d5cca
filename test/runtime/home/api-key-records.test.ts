import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/call/sha256.ts';
import { CountersignError } from '../../../src/errors.ts';
import {
  agentFault,
  networkFault,
  shortAgentName,
  tenantFault,
  toolFault,
} from '../../../src/runtime/home/api-key-scope.ts';
import { parseStore, readApiKeys, readPeppers } from '../../../src/runtime/home/api-key-records.ts';
import { parseInstant } from '../../../src/runtime/home/instant.ts';

const record = {
  id: 'key-1',
  digest: 'a1'.repeat(32),
  pepperVersion: 1,
  tenant: 'default',
  agents: ['planner', 'spiffe://example.org/agent/planner'],
  status: 'active',
  tools: ['files/read_*'],
  cidrs: ['10.0.0.0/8', '2001:db8::/32'],
  notAfter: '2030-01-31T00:00:00.000Z',
  createdAt: '2026-01-31T00:00:00+02:00',
  successor: 'key-2',
};

const keysOf = (text: string) => readApiKeys('keys.json', parseStore('keys.json', utf8(text)));
const keysIn = (...keys: readonly unknown[]) => keysOf(JSON.stringify({ keys }));
const peppersIn = (...peppers: readonly unknown[]) =>
  readPeppers('peppers.json', parseStore('peppers.json', utf8(JSON.stringify({ peppers }))));
const unreadable = expect.objectContaining({ code: 'API_KEY_STORE_UNREADABLE' }) as unknown as Error;

/** Without a member. */
function without(member: keyof typeof record): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => name !== member));
}

describe('records of API keys', () => {
  it('are read whole', () => {
    expect(keysIn(record)).toEqual([record]);
    expect(keysIn()).toEqual([]);
  });

  it('need nothing that narrows a key, and have it if it is there', () => {
    for (const member of ['tools', 'cidrs', 'notAfter', 'successor'] as const)
      expect(keysIn(without(member))).toEqual([without(member)]);
    expect(keysIn({ ...record, tools: [], cidrs: [] })).toEqual([{ ...record, tools: [], cidrs: [] }]);
  });

  it('of one agent may say `agent`, as they did before there could be several', () => {
    expect(keysIn({ ...without('agents'), agent: 'default' })).toEqual([{ ...record, agents: ['default'] }]);
  });

  it.each([
    ['a state that is not known', { status: 'paused' }],
    ['a state in another spelling', { status: 'Active' }],
    ['no text as state', { status: true }],
    ['a member that is not known, which may narrow it', { hosts: ['a'] }],
    ['agent and agents', { agent: 'other' }],
    ['no agent', { agents: [] }],
    ['one agent that is no list', { agents: 'planner' }],
    ['an agent that walks', { agents: ['..'] }],
    ['an agent of no trust domain', { agents: ['spiffe:///agent/x'] }],
    ['an agent with a wildcard', { agents: ['*'] }],
    ['a tool without its server', { tools: ['read_file'] }],
    ['tools that are no list', { tools: 'files/*' }],
    ['tools that are null', { tools: null }],
    ['a network that is none', { cidrs: ['10.0.0.0/33'] }],
    ['a network with bits behind its prefix', { cidrs: ['10.0.0.1/8'] }],
    ['an end that is no time', { notAfter: 'tomorrow' }],
    ['an end on a day that does not exist', { notAfter: '2030-02-31T00:00:00Z' }],
    ['an end without a zone', { notAfter: '2030-01-31T00:00:00' }],
    ['an end as a number', { notAfter: 4_000_000_000 }],
    ['an empty tenant', { tenant: '' }],
    ['a digest that is too short', { digest: 'a1'.repeat(31) }],
    ['a digest in capitals', { digest: 'A1'.repeat(32) }],
    ['a pepper’s version as text', { pepperVersion: '1' }],
    ['a pepper’s version of nought', { pepperVersion: 0 }],
    ['an id with a blank', { id: 'key 1' }],
  ])('with %s are not read', (_, change) => {
    expect(() => keysIn({ ...record, ...change })).toThrow(unreadable);
  });

  it.each(['id', 'digest', 'pepperVersion', 'tenant', 'agents', 'status', 'createdAt'] as const)(
    'without %s are not read',
    (member) => expect(() => keysIn(without(member))).toThrow(unreadable),
  );

  it('with the same id or the same digest are not read: one key would have two scopes', () => {
    const other = { ...record, id: 'key-2', digest: 'b2'.repeat(32) };
    expect(keysIn(record, other)).toHaveLength(2);
    expect(() => keysIn(record, { ...other, id: record.id })).toThrow(unreadable);
    expect(() => keysIn(record, { ...other, digest: record.digest })).toThrow(unreadable);
  });

  it('that say “revoked” to a person and “active” to a parser are not read', () => {
    const twice = JSON.stringify({ keys: [record] }).replace('"status"', '"status":"revoked","status"');
    expect(() => keysOf(twice)).toThrow(unreadable);
    const twin = JSON.stringify({ keys: [record] }).replace('"status"', '"Status":"revoked","status"');
    expect(() => keysOf(twin)).toThrow(unreadable);
  });

  it('in a file that is cut, empty, no object or no JSON are not read', () => {
    const whole = JSON.stringify({ keys: [record] });
    for (const text of ['', '[]', 'null', '{}', '{"keys":{}}', '{"keys":[null]}', `\ufeff${whole}`])
      expect(() => keysOf(text)).toThrow(unreadable);
    fc.assert(
      fc.property(fc.nat({ max: whole.length - 1 }), (length) => {
        expect(() => keysOf(whole.slice(0, length))).toThrow(unreadable);
      }),
    );
  });

  it('are read or refused, whatever a member is: nothing else is thrown, and a prototype is no record', () => {
    const member = fc.constantFrom(...Object.keys(record), '__proto__', 'constructor');
    fc.assert(
      fc.property(member, fc.jsonValue(), (name, value) => {
        try {
          const [read] = keysOf(
            `{"keys":[${JSON.stringify(without(name as 'id')).slice(0, -1)},${JSON.stringify(name)}:${JSON.stringify(value)}]}]}`,
          );
          expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
        } catch (error) {
          expect(error).toBeInstanceOf(CountersignError);
          expect(error).toMatchObject({ code: 'API_KEY_STORE_UNREADABLE' });
        }
      }),
    );
  });

  it('are not repeated by the refusal', () => {
    try {
      keysIn({ ...record, agents: ['hush hush'] });
      expect.unreachable();
    } catch (error) {
      expect((error as Error).message).toContain('keys[0].agents[0]');
      expect((error as Error).message).not.toContain('hush');
    }
  });
});

describe('peppers', () => {
  const secret = Buffer.alloc(32, 7).toString('base64');

  it('come newest first, in whatever order they are kept', () => {
    const versions = peppersIn({ version: 1, secret }, { version: 3, secret }, { version: 2, secret });
    expect(versions.map(({ version }) => version)).toEqual([3, 2, 1]);
  });

  it.each([
    [
      'two of one version',
      [
        { version: 1, secret },
        { version: 1, secret },
      ],
    ],
    ['one that is short', [{ version: 1, secret: Buffer.alloc(16).toString('base64') }]],
    ['one that is not base64', [{ version: 1, secret: '***' }]],
    ['one without a version', [{ secret }]],
  ])('are not read with %s', (_, peppers) => expect(() => peppersIn(...peppers)).toThrow(unreadable));
});

describe('the scope of a key', () => {
  it.each([
    ['planner', true],
    ['Planner-2.b_c', true],
    ['spiffe://example.org/agent/planner', true],
    ['spiffe://example.org/ns/prod/sa/planner', true],
    ['', false],
    ['.', false],
    ['a/b', false],
    ['pla nner', false],
    ['plánner', false],
    ['planner\n', false],
    ['spiffe://', false],
    ['spiffe://example.org', false],
    ['spiffe://example.org/', false],
    ['spiffe://Example.org/a', false],
    ['spiffe://example.org/a/../b', false],
    ['spiffe://example.org/a?b', false],
    ['spiffe://user@example.org/a', false],
    ['spiffe://example.org:443/a', false],
    [`spiffe://example.org/${'a'.repeat(2048)}`, false],
  ])('takes the agent %j: %s', (agent, isTaken) => expect(agentFault(agent) === undefined).toBe(isTaken));

  it('has one name for an agent of the home’s own trust domain', () => {
    const own = 'spiffe://home.test/agent/planner';
    expect(shortAgentName(own, 'home.test')).toBe('planner');
    expect(shortAgentName('planner', 'home.test')).toBe('planner');
    for (const other of [
      'spiffe://other.test/agent/planner',
      'spiffe://home.test/agent/a/planner',
      'spiffe://home.test/planner',
      `spiffe://home.test/agent/${'a'.repeat(200)}`,
    ])
      expect(shortAgentName(other, 'home.test')).toBe(other);
  });

  it('says what is wrong with a pattern, a network and a tenant', () => {
    expect(toolFault('files/*')).toBeUndefined();
    expect(toolFault('files')).toContain('server/tool');
    expect(networkFault('::1')).toBeUndefined();
    expect(networkFault('0x7f.1')).toContain('CIDR');
    expect(tenantFault('acme')).toBeUndefined();
    expect(tenantFault('ac me')).toContain('tenant');
  });
});

describe('an RFC 3339 time', () => {
  it.each([
    ['2030-01-31T00:00:00Z', Date.UTC(2030, 0, 31)],
    ['2030-01-31T00:00:00.123456789Z', Date.UTC(2030, 0, 31, 0, 0, 0, 123)],
    ['2030-01-31T02:00:00+02:00', Date.UTC(2030, 0, 31)],
    ['2030-02-31T00:00:00Z', undefined],
    ['2030-01-31T24:00:00Z', undefined],
    ['2030-01-31T23:59:60Z', undefined],
    ['2030-01-31T00:00:00+24:00', undefined],
    ['2030-01-31T00:00:00', undefined],
    ['2030-01-31', undefined],
    ['31 Jan 2030', undefined],
    ['2030-01-31T00:00:00Z\n', undefined],
  ])('%j is %s', (text, time) => expect(parseInstant(text)).toBe(time));
});
