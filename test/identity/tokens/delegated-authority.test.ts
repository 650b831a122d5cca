import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../../src/call/json.ts';
import { readActors } from '../../../src/identity/tokens/actor.ts';
import { readToolLimit } from '../../../src/identity/tokens/authorization-details.ts';
import { readDelegation } from '../../../src/identity/tokens/delegated-authority.ts';
import { issuerPresets } from '../../../src/identity/tokens/issuer-presets.ts';
import { humanReader } from '../../../src/identity/tokens/read-claims.ts';
import { tokenRefusals } from '../../../src/identity/tokens/token-fault.ts';
import { audience, issuerName, refused } from './tokens.ts';

const refuse = tokenRefusals('HUMAN');
const invalid = refused('HUMAN_TOKEN_CLAIMS_INVALID');
const nested = (depth: number): JsonObject =>
  depth === 1 ? { sub: 'a1' } : { sub: `a${depth}`, act: nested(depth - 1) };

describe('the chain of actors', () => {
  it('begins with whoever acts now (RFC 8693 §4.1)', () => {
    const act = { sub: 'planner', iss: issuerName, act: { sub: 'portal' } };
    expect(readActors({ act }, refuse)).toEqual([
      { issuer: issuerName, subject: 'planner' },
      { subject: 'portal' },
    ]);
    expect(readActors({}, refuse)).toBeUndefined();
  });

  it('has eight members at most', () => {
    expect(readActors({ act: nested(8) }, refuse)).toHaveLength(8);
    expect(() => readActors({ act: nested(9) }, refuse)).toThrow(invalid);
  });

  it.each<Json>([
    null,
    'planner',
    [],
    [{ sub: 'planner' }],
    {},
    { sub: '' },
    { sub: 1 },
    { sub: 'a'.repeat(513) },
    { iss: issuerName },
    { sub: 'planner', iss: 1 },
    { sub: 'planner', act: null },
    { sub: 'planner', act: 'portal' },
    { sub: 'planner', act: {} },
    { sub: 'planner', act: [{ sub: 'portal' }] },
  ])('is refused whole for a member that is none: %j', (act) => {
    expect(() => readActors({ act }, refuse)).toThrow(invalid);
    if (JSON.stringify(act).includes('"act"')) return;
    expect(() => readDelegation({ may_act: act }, issuerName, rules, refuse)).toThrow(invalid);
  });
});

const rules = { actors: new Map([['planner-app', 'planner']]), audiences: [audience] };
const actorOf = (claims: JsonObject) => readDelegation(claims, issuerName, rules, refuse).delegation?.actor;

describe('the agent that a person’s token is for', () => {
  it.each<[string, JsonObject, unknown]>([
    ['anybody, when nothing is said', {}, undefined],
    ['whoever acts', { act: { sub: 'planner-app' } }, { name: 'planner' }],
    ['whoever may act', { may_act: { sub: 'planner-app' } }, { name: 'planner' }],
    ['whoever acts, rather than may', { act: { sub: 'x' }, may_act: { sub: 'planner-app' } }, 'nobody'],
    [
      'whoever acts now, not whom that had it from',
      { act: { sub: 'x', act: { sub: 'planner-app' } } },
      'nobody',
    ],
    ['a SPIFFE ID as it is', { act: { sub: 'spiffe://x.test/a' } }, { name: 'spiffe://x.test/a' }],
    ['nobody for a SPIFFE ID that is none', { act: { sub: 'spiffe://x.test/../a' } }, 'nobody'],
    ['a subject of the same issuer', { act: { sub: 'planner-app', iss: issuerName } }, { name: 'planner' }],
    ['nobody for a subject of another', { act: { sub: 'planner-app', iss: 'https://evil.test' } }, 'nobody'],
    ['nobody for a name of ours that the issuer does not use', { act: { sub: 'planner' } }, 'nobody'],
    ['nobody for the prototype', { act: { sub: 'constructor' } }, 'nobody'],
  ])('is %s', (_, claims, expected) => {
    expect(actorOf(claims)).toEqual(expected);
  });
});

const ours = (changes: JsonObject = {}): JsonObject => ({
  type: 'countersign_tools',
  tools: ['files/*'],
  ...changes,
});
const toolsOf = (details: Json) =>
  readToolLimit({ authorization_details: details }, [audience], refuse)?.tools;

describe('authorization_details (RFC 9396)', () => {
  it('say nothing where there are none', () => {
    expect(readToolLimit({}, [audience], refuse)).toBeUndefined();
  });

  it.each<[string, Json, readonly string[]]>([
    [
      'leave the tools of our entries',
      [ours(), ours({ tools: ['crm/read', 'files/*'] })],
      ['files/*', 'crm/read'],
    ],
    ['leave nothing without one', [], []],
    ['leave nothing for others’ entries', [{ type: 'payment_initiation', amount: 1 }], []],
    ['leave nothing where no tool is named', [ours({ tools: [] })], []],
    ['leave what is for us', [ours({ locations: ['https://x.test', audience] })], ['files/*']],
    ['leave nothing of what is for elsewhere', [ours({ locations: ['https://x.test'] })], []],
    ['leave nothing of what is for nowhere', [ours({ locations: [] })], []],
  ])('%s', (_, details, tools) => {
    expect(toolsOf(details)).toEqual(tools);
  });

  it.each<[string, Json]>([
    ['no list', ours()],
    ['a text', 'files/*'],
    ['null', null],
    ['an entry that is no object', ['files/*']],
    ['an entry without a type', [{ tools: ['files/*'] }]],
    ['a type that is no text', [ours({ type: ['countersign_tools'] })]],
    ['a member that could narrow further', [ours({ actions: ['read'] })]],
    ['a member with a look-alike name', [ours({ Tools: ['x/y'] })]],
    ['no tools', [{ type: 'countersign_tools' }]],
    ['tools that are no list', [ours({ tools: '*/*' })]],
    ['a tool that is no text', [ours({ tools: [1] })]],
    ['a tool that is no pattern', [ours({ tools: ['files'] })]],
    ['a pattern beyond our language', [ours({ tools: ['files/{a,b}'] })]],
    ['locations that are no list', [ours({ locations: audience })]],
    ['too many entries', Array.from({ length: 65 }, () => ours())],
    ['too many tools', [ours({ tools: Array.from({ length: 257 }, (_, i) => `a/${i}`) })]],
  ])('are refused for %s', (_, details) => {
    expect(() => toolsOf(details)).toThrow(invalid);
  });
});

describe('scopes, and how somebody logged in', () => {
  const read = (claims: JsonObject) =>
    humanReader(issuerName, issuerPresets.generic, { tenant: 'default' })({ sub: 'ada', ...claims }, refuse);

  it.each<[string, JsonObject, readonly string[] | undefined]>([
    ['none', {}, undefined],
    ['an empty text', { scope: '' }, []],
    ['a text', { scope: 'read  write read' }, ['read', 'write']],
    ['a text under the other name', { scp: 'read write' }, ['read', 'write']],
    ['a list', { scp: ['read', 'write'] }, ['read', 'write']],
    ['a list whose member is two', { scp: ['read write'] }, ['read write']],
    ['both names, of which the standard’s counts', { scope: 'read', scp: 'write' }, ['read']],
  ])('are read from %s', (_, claims, scopes) => {
    expect(read(claims).scopes).toEqual(scopes);
  });

  it('are what the token says, and absent where it does not', () => {
    const said = { client_id: 'portal', acr: 'loa3', amr: ['hwk', 'pin'], sid: 's-1', iat: 7, auth_time: 5 };
    expect(read(said)).toMatchObject({
      clientId: 'portal',
      acr: 'loa3',
      amr: ['hwk', 'pin'],
      sid: 's-1',
      issuedAt: 7,
      authTime: 5,
    });
    for (const name of [
      'clientId',
      'acr',
      'amr',
      'sid',
      'issuedAt',
      'authTime',
      'scopes',
      'act',
      'delegation',
    ])
      expect(read({})).not.toHaveProperty(name);
  });

  it.each<JsonObject>([
    { scope: 1 },
    { scope: null },
    { scp: [1] },
    { scp: { 0: 'read' } },
    { client_id: 7 },
    { acr: 1 },
    { acr: '' },
    { amr: [1] },
    { amr: { 0: 'pin' } },
    { sid: ['s'] },
    { auth_time: 1.5 },
  ])('are refused in another form: %j', (claims) => {
    expect(() => read(claims)).toThrow(invalid);
  });
});

describe('any claims', () => {
  const json = fc.jsonValue({ maxDepth: 6 }) as fc.Arbitrary<Json>;

  it('are read or refused with one code, and never widen what others narrow', () => {
    const claims = fc.record({ act: json, may_act: json, authorization_details: json }, { requiredKeys: [] });
    fc.assert(
      fc.property(claims, (given) => {
        try {
          const { actors, delegation } = readDelegation(given, issuerName, rules, refuse);
          expect(actors === undefined).toBe(given.act === undefined);
          expect(delegation?.actor === undefined).toBe(
            given.act === undefined && given.may_act === undefined,
          );
          expect(delegation?.limit === undefined).toBe(given.authorization_details === undefined);
        } catch (error) {
          expect(error).toEqual(invalid);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('of a well-formed chain are read whole, in order', () => {
    const actor = fc.record(
      { sub: fc.string({ minLength: 1, maxLength: 20 }), iss: fc.webUrl() },
      { requiredKeys: ['sub'] },
    );
    fc.assert(
      fc.property(fc.array(actor, { minLength: 1, maxLength: 8 }), (chain) => {
        const act = chain.reduceRight<JsonObject | undefined>(
          (inner, each) => ({ ...each, ...(inner && { act: inner }) }),
          undefined,
        );
        expect(readActors({ act: act ?? {} }, refuse)).toEqual(
          chain.map(({ sub, iss }) => ({ subject: sub, ...(iss !== undefined && { issuer: iss }) })),
        );
      }),
    );
  });

  it('for scopes give texts without a blank, each once, or are refused', () => {
    const reader = humanReader(issuerName, issuerPresets.generic, { tenant: 'default' });
    fc.assert(
      fc.property(fc.oneof(fc.string(), json), (scope) => {
        try {
          const { scopes = [] } = reader({ sub: 'ada', scope }, refuse);
          expect(new Set(scopes).size).toBe(scopes.length);
          if (typeof scope === 'string') for (const each of scopes) expect(each).toMatch(/^[^ ]+$/);
        } catch (error) {
          expect(error).toEqual(invalid);
        }
      }),
    );
  });
});
