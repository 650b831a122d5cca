import { describe, expect, it } from 'vitest';
import { base64, hex, utf8 } from '../../src/call/bytes.ts';
import { commit, newSalt } from '../../src/call/commitment.ts';
import { formatReport } from '../../src/cli/verify-text.ts';
import { loadTrust } from '../../src/verify/trust.ts';
import { verifyToolResult } from '../../src/verify/verify.ts';
import { testTrustSystem } from '../support/trust-system.ts';
import { allowedCall, codesOf, envelopeMember, splice } from './calls.ts';

const system = await testTrustSystem();
const trust = await loadTrust(system.trustedRootBytes);

const asked = utf8('{"name":"read_file","arguments":{"path":"/etc","depth":900}}');
const salt = newSalt();
const call = await allowedCall(system, { facts: { asked: hex(commit(salt, asked)) } });
const unchanged = await allowedCall(system);

const answerWith = ({ verdict, outcome, result, openings }: typeof call, more: object): string =>
  splice(result, envelopeMember(verdict, outcome, { ...openings, ...more }));
const answer = answerWith(call, { asked: base64(salt) });
const verify = (text: string, params?: Uint8Array) =>
  verifyToolResult(utf8(text), trust, { ...(params && { params }) });
const codes = async (text: string, params?: Uint8Array) => codesOf(await verify(text, params));

describe('a call whose arguments policy changed', () => {
  it('is bound to the params that ran', async () => {
    expect(await verify(answer, call.params)).toMatchObject({
      ok: true,
      calls: [{ binding: { params: 'opened' } }],
    });
  });

  it('is bound to the params that it was asked with as well, and the report says that they are not what ran', async () => {
    const report = await verify(answer, asked);
    expect(report).toMatchObject({
      ok: true,
      calls: [{ binding: { params: 'asked' }, envelopes: [{ argumentsChanged: true }, {}] }],
    });
    const text = formatReport(report, { stdout: { write: () => true }, env: {} });
    expect(text).toMatch(/params +opened, as they were asked: policy changed the arguments/);
  });

  it('says that they were changed to whoever gives no params', async () => {
    const text = formatReport(await verify(answer), { stdout: { write: () => true }, env: {} });
    expect(text).toContain('policy changed the arguments');
  });

  it.each<[string, string, Uint8Array]>([
    ['other params', answer, utf8('{"name":"read_file","arguments":{"path":"/etc","depth":901}}')],
    ['the asked params without their salt', call.answer, asked],
    ['the asked params with another salt', answerWith(call, { asked: base64(newSalt()) }), asked],
    [
      'the asked params beside a verdict that states no change',
      answerWith(unchanged, { asked: base64(salt) }),
      asked,
    ],
  ])('is not bound to %s', async (_, text, params) => {
    expect(await codes(text, params)).toEqual(['UNBOUND']);
  });

  it.each<[string, object]>([
    ['a salt of another length', { asked: 'AAAA' }],
    ['a salt that is no text', { asked: { params: base64(salt) } }],
    ['a member that nobody knows', { requested: base64(salt) }],
  ])('is refused with %s', async (_, more) => {
    expect(await codes(answerWith(call, more))).toEqual(['UNBOUND']);
  });

  it('was not asked with the arguments that ran: those that were asked open no argument', async () => {
    const report = await verifyToolResult(utf8(answer), trust, {
      arguments: utf8('{"path":"/etc","depth":900}'),
    });
    expect(codesOf(report)).toEqual(['UNBOUND']);
  });
});
