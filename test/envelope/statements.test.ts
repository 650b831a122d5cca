import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  change,
  logOpen,
  outcome,
  refusals,
  sessionClose,
  sessionOpen,
  verdict,
} from '../../src/envelope/statements.ts';
import type { Decision } from '../../src/policy/policy.ts';
import { predicateTypes } from '../../src/names.ts';
import { verifiedPrincipal } from '../../src/identity/principal.ts';
import { allowed, call, denied, fullPrincipal, principal, time } from './facts.ts';

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
const session = allowed.session;
const stated = { id: session.id, seq: 1, prev: { sha256: session.prev } };
const mode = 'same-user';

describe('a verdict', () => {
  it('states the whole decision and nothing of the call in the clear', () => {
    const statement = verdict(allowed);
    expect(statement).toEqual({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: `urn:uuid:${call.id}`, digest: { sha256: allowed.commitments.subject } }],
      predicateType: 'https://countersign.dev/allow/v1',
      predicate: {
        verdict: 'ALLOW',
        reason: { code: 'RULE_ALLOWS', rule: 'accepted-tools', message: 'The operator accepted this tool.' },
        callId: call.id,
        decidedAt: '2026-11-21T21:00:01.234Z',
        notAfter: '2026-11-21T21:00:06.234Z',
        tenant: 'default',
        target: 'files',
        mode: 'same-user',
        era: 'modern',
        input: { commitment: { sha256: allowed.input } },
        params: { commitment: { sha256: allowed.commitments.params } },
        session: { ...stated, client: { name: 'client' } },
        principal: {
          apiKey: { id: 'key-1' },
          agent: { id: 'agent-1', issuer: 'countersign', binding: 'none', source: 'api-key' },
        },
        tool: {
          server: 'files',
          name: 'read_file',
          serverDigest: { sha256: call.server.digest },
          definition: { sha256: '2'.repeat(64) },
        },
        arguments: { '/path': { commitment: { sha256: '5'.repeat(64) } } },
        policy: { id: 'starter', digest: { sha256: allowed.policy.digest }, engine: 'cel/0.6.1' },
        obligations: [],
        controls: ['NIST-800-53r5:AC-3'],
      },
    });
    expect(JSON.parse(JSON.stringify(statement))).toEqual(statement);
  });

  it('says by its type alone whether it allows, denies, or was not enforced', () => {
    expect(verdict(allowed).predicateType).toBe(predicateTypes.allow);
    expect(verdict(denied).predicateType).toBe(predicateTypes.deny);
    for (const facts of [allowed, denied]) {
      const decision: Decision = { ...facts.decision, enforced: false };
      expect(verdict({ ...facts, decision }).predicateType).toBe(predicateTypes.shadow);
    }
  });

  it('has no rule, definition or client where there is none', () => {
    const { predicate } = verdict({ ...denied, call: { ...call, client: undefined } as never });
    expect(predicate['reason']).toEqual({ code: 'TOOL_UNKNOWN', message: 'The server does not list it.' });
    expect(predicate['tool']).not.toHaveProperty('definition');
    expect(predicate['session']).toEqual(stated);
  });

  it('states the definition that the server lists now, if it has changed', () => {
    const standing = { kind: 'changed', pinned: 'a'.repeat(64), listed: 'b'.repeat(64) } as const;
    expect(verdict({ ...denied, standing }).predicate['tool']).toMatchObject({
      definition: { sha256: standing.listed },
    });
  });

  it('states of a principal what was verified, and no more', () => {
    expect(verdict({ ...allowed, principal: fullPrincipal }).predicate['principal']).toEqual({
      apiKey: { id: 'key-1' },
      agent: { id: 'agent-1', issuer: 'countersign', binding: 'none', source: 'api-key' },
      human: {
        issuer: 'https://idp.example.org',
        subject: 'subject-1',
        tenant: 'default',
        roles: ['reader'],
        groups: [],
        authTime: '2026-11-21T21:00:01.000Z',
        binding: 'none',
      },
      device: { id: 'device-1', trust: 'managed', source: 'api-key' },
    });
  });

  it('states of a delegation who acts for whom, how that is known, and what is left of it', () => {
    const { human } = fullPrincipal;
    if (!human) throw new Error('nobody');
    const value = {
      ...human.value,
      issuedAt: Math.floor(time / 1_000),
      clientId: 'portal',
      scopes: ['call'],
      acr: 'loa3',
      amr: ['hwk'],
      sid: 's-1',
      act: [{ subject: 'planner' }, { issuer: 'https://idp.example.org', subject: 'portal' }],
      binding: 'dpop',
    } as const;
    const limits = [{ by: 'delegation', tools: ['files/*'] }] as const;
    const delegated = verifiedPrincipal({ ...fullPrincipal, human: { ...human, value }, limits });
    const { predicate } = verdict({ ...allowed, principal: delegated });
    const instant = '2026-11-21T21:00:01.000Z';
    expect(predicate['principal']).toMatchObject({
      human: { ...value, authTime: instant, issuedAt: instant },
      limits,
    });
  });

  it('states no agent that nothing proves', () => {
    const unproven = verifiedPrincipal({
      ...principal,
      agent: { ...principal.agent, verified: false },
      refusal: { code: 'AGENT_PROOF_MISSING', message: 'Nothing proves it.' },
    });
    const stated = verdict({ ...denied, principal: unproven }).predicate['principal'];
    expect(stated).toEqual({ apiKey: { id: 'key-1' } });
  });

  it('keeps an argument whose pointer is __proto__ as an argument', () => {
    const byPointer = JSON.parse('{"/__proto__":"x","__proto__":"y"}') as Record<string, string>;
    const { predicate } = verdict({
      ...allowed,
      commitments: { ...allowed.commitments, arguments: byPointer },
    });
    expect(JSON.stringify(predicate['arguments'])).toBe(
      '{"/__proto__":{"commitment":{"sha256":"x"}},"__proto__":{"commitment":{"sha256":"y"}}}',
    );
  });
});

describe('an outcome', () => {
  const facts = {
    callId: call.id,
    subject: allowed.commitments.subject,
    verdict: { sha256: 'c'.repeat(64), logIndex: 7, treeSize: 8, rootHash: 'd'.repeat(64) },
    startedAt: time,
    finishedAt: time + 10,
    observedBy: 'gate',
    session,
    mode,
  } as const;

  it('names its verdict by digest and by the tree that holds it', () => {
    const result = { raw: 'e'.repeat(64), normalised: 'f'.repeat(64) };
    expect(outcome({ ...facts, outcome: 'executed', result, enforcement: ['redacted'] })).toEqual({
      _type: 'https://in-toto.io/Statement/v1',
      subject: verdict(allowed).subject,
      predicateType: 'https://countersign.dev/outcome/v1',
      predicate: {
        callId: call.id,
        verdict: facts.verdict,
        outcome: 'executed',
        startedAt: '2026-11-21T21:00:01.234Z',
        finishedAt: '2026-11-21T21:00:01.244Z',
        result: {
          raw: { commitment: { sha256: result.raw } },
          normalised: { commitment: { sha256: result.normalised } },
        },
        observedBy: 'gate',
        enforcement: ['redacted'],
        mode,
        session: stated,
      },
    });
  });

  it('has a reason instead of a result when there was no answer', () => {
    const reason = { code: 'GATE_DIED', message: 'The call may have run.' } as const;
    const { predicate } = outcome({ ...facts, outcome: 'unknown', reason });
    expect(predicate).toMatchObject({ outcome: 'unknown', reason });
    expect(predicate).not.toHaveProperty('result');
  });
});

describe('statements about no call', () => {
  it('open a session and close it with its count', () => {
    const first = { id: session.id, seq: 0 };
    const name = `urn:uuid:${session.id}`;
    const subject = [{ name, digest: { sha256: hash(name) } }];
    expect(sessionOpen({ session: first, openedAt: time, mode, principal })).toMatchObject({
      subject,
      predicateType: predicateTypes.sessionOpen,
      predicate: { openedAt: '2026-11-21T21:00:01.234Z', tenant: 'default', session: first, mode },
    });
    expect(sessionClose({ session, closedAt: time, count: 2, mode })).toMatchObject({
      subject,
      predicateType: predicateTypes.sessionClose,
      predicate: { closedAt: '2026-11-21T21:00:01.234Z', count: 2, session: stated },
    });
  });

  it('open a log that may go on from another', () => {
    const log = { origin: 'log.example.org', keyId: 'a'.repeat(64) };
    expect(logOpen({ ...log, openedAt: time, mode })).toMatchObject({
      subject: [
        {
          name: 'https://log.example.org',
          digest: { sha256: hash(`{"keyId":"${log.keyId}","origin":"log.example.org"}`) },
        },
      ],
      predicateType: predicateTypes.logOpen,
      predicate: { openedAt: '2026-11-21T21:00:01.234Z', log },
    });
    const predecessor = { origin: 'old.example.org', treeSize: 5, rootHash: 'b'.repeat(64) };
    expect(logOpen({ ...log, openedAt: time, mode, predecessor }).predicate['log']).toEqual({
      ...log,
      predecessor,
    });
  });

  it('carry a change whole, and its canonical JSON as the subject', () => {
    const document = { kind: 'tools-accepted', server: 'files', tools: ['read_file'] };
    expect(change({ change: document, changedAt: time, mode })).toMatchObject({
      subject: [
        {
          name: 'tools-accepted',
          digest: { sha256: hash('{"kind":"tools-accepted","server":"files","tools":["read_file"]}') },
        },
      ],
      predicateType: predicateTypes.change,
      predicate: { changedAt: '2026-11-21T21:00:01.234Z', change: document, mode },
    });
  });

  it('sum up refusals', () => {
    expect(refusals({ since: time, until: time + 1000, counts: { API_KEY_UNKNOWN: 3 }, mode })).toMatchObject(
      {
        predicateType: predicateTypes.refusals,
        predicate: {
          since: '2026-11-21T21:00:01.234Z',
          until: '2026-11-21T21:00:02.234Z',
          counts: { API_KEY_UNKNOWN: 3 },
        },
      },
    );
  });
});
