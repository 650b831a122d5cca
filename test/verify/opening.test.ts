import { describe, expect, it } from 'vitest';
import { newSalt } from '../../src/call/commitment.ts';
import { canonicalJson } from '../../src/call/canonical-json.ts';
import type { Json, JsonObject } from '../../src/call/json.ts';
import { base64, fromBase64, fromUtf8, utf8 } from '../../src/call/sha256.ts';
import { loadTrust } from '../../src/verify/trust.ts';
import type { Report } from '../../src/verify/report.ts';
import { verifyInputs } from '../../src/verify/verify.ts';
import { testTrustSystem } from '../support/trust-system.ts';
import { allowedCall, codesOf, type TestCall } from './calls.ts';

const system = await testTrustSystem();
const trust = await loadTrust(utf8(JSON.stringify(system.trustedRoot)));
const call = await allowedCall(system, { arguments: { path: '/srv/a', depth: 2 } });
const other = await allowedCall(system, { arguments: { path: '/srv/a', depth: 2 } });

const saltOf = ({ openings }: TestCall, field: string): string => {
  const {
    arguments: byPointer,
    params,
    result,
  } = openings as unknown as {
    readonly arguments: Record<string, string>;
    readonly params: string;
    readonly result: { readonly raw: string };
  };
  if (field === 'params') return params;
  return (field === 'result' ? result.raw : byPointer[field.slice('/args'.length)]) ?? '';
};
const text = (bytes: Uint8Array): string => fromUtf8(bytes) ?? '';
const saltInAction = ({ action }: TestCall): string => (JSON.parse(text(action)) as { salt: string }).salt;

/** What `disclose` prints of this call. */
const openings: Readonly<Record<string, JsonObject>> = {
  '/args/path': {
    callId: call.callId,
    field: '/args/path',
    salt: saltOf(call, '/args/path'),
    value: '/srv/a',
  },
  '/args/depth': { callId: call.callId, field: '/args/depth', salt: saltOf(call, '/args/depth'), value: 2 },
  params: { callId: call.callId, field: 'params', salt: saltOf(call, 'params'), value: text(call.params) },
  result: { callId: call.callId, field: 'result', salt: saltOf(call, 'result'), value: call.result },
  action: { callId: call.callId, field: 'action', salt: saltInAction(call), value: text(call.action) },
};
const ofPath = openings['/args/path'] ?? {};

function verify(opening: Json | string, inputs = [call.verdict, call.outcome]): Promise<Report> {
  return verifyInputs(
    inputs.map((bundle, i) => ({ name: `${i}`, bytes: utf8(bundle) })),
    trust,
    { openings: [utf8(typeof opening === 'string' ? opening : JSON.stringify(opening))] },
  );
}

describe('an opening', () => {
  it.each(Object.keys(openings))('of %s opens what was signed', async (field) => {
    const report = await verify(openings[field] ?? null);
    expect(codesOf(report)).toEqual([]);
    expect(report.calls[0]?.binding.openings).toEqual([field]);
  });

  it('may come with others, one a line, and beside the tool result', async () => {
    const lines = Object.values(openings).map((opening) => JSON.stringify(opening));
    const report = await verify(lines.join('\n'), [call.answer]);
    expect(codesOf(report)).toEqual([]);
    expect(report.calls[0]?.binding.openings).toEqual(Object.keys(openings));
  });

  it('is by value: the spelling of the JSON does not matter', async () => {
    const object = await allowedCall(system, { arguments: { o: { b: 1e2, a: 'é' } } });
    const { callId } = object;
    const salt = saltOf(object, '/args/o');
    const given = `{"value": {"a":"\\u00e9", "b":100.0}, "salt":"${salt}", "field":"/args/o", "callId":"${callId}"}`;
    expect(codesOf(await verify(given, [object.verdict]))).toEqual([]);
  });
});

describe('an opening of a field of who called', () => {
  const withheld = { pointer: '/human/subject', salt: newSalt(), value: 'subject-1' };
  const field = '/principal/human/subject';

  it('opens what the verdict commits to instead of stating it', async () => {
    const { callId, verdict } = await allowedCall(system, { withheld });
    const opening = { callId, field, salt: base64(withheld.salt), value: 'subject-1' };
    expect((await verify(opening, [verdict])).calls[0]?.binding.openings).toEqual([field]);
    expect(codesOf(await verify({ ...opening, value: 'subject-2' }, [verdict]))).toEqual(['UNBOUND']);
    expect(codesOf(await verify({ ...opening, field: '/args/subject' }, [verdict]))).toEqual(['UNBOUND']);
  });

  it('opens nothing of a verdict that states it', async () => {
    const opening = { callId: call.callId, field, salt: base64(withheld.salt), value: 'subject-1' };
    expect(codesOf(await verify(opening))).toEqual(['UNBOUND']);
  });
});

describe('an opening is refused', () => {
  const salt = fromBase64(saltOf(call, '/args/path')) ?? new Uint8Array();
  const changed = (change: JsonObject): JsonObject => ({ ...ofPath, ...change });
  const without = (name: string): JsonObject =>
    Object.fromEntries(Object.entries(ofPath).filter(([key]) => key !== name));

  it.each<[string, Json | string, string]>([
    ['with a changed value', changed({ value: '/srv/b' }), 'UNBOUND'],
    ['with a value of another type', changed({ value: ['/srv/a'] }), 'UNBOUND'],
    ['that is of another field', changed({ field: '/args/depth' }), 'UNBOUND'],
    ['of a whole under the name of an argument', changed({ field: 'params' }), 'UNBOUND'],
    ['of another call under this one’s id', changed({ salt: saltOf(other, '/args/path') }), 'UNBOUND'],
    ['of a call whose envelopes are not there', changed({ callId: other.callId }), 'UNBOUND'],
    ['of a field that nothing commits to', changed({ field: '/args/nothing' }), 'UNBOUND'],
    ['of a part of an argument', changed({ field: '/args/path/0' }), 'UNBOUND'],
    ['of every argument at once', changed({ field: '/args' }), 'UNBOUND'],
    ['of a member of every object', changed({ field: '/args/__proto__' }), 'UNBOUND'],
    ['with a short salt, its end in the value', changed({ salt: base64(salt.subarray(0, 15)) }), 'UNBOUND'],
    ['with a long salt', changed({ salt: base64(Uint8Array.of(...salt, 0)) }), 'UNBOUND'],
    ['without a salt', without('salt'), 'UNBOUND'],
    ['without a value', without('value'), 'UNBOUND'],
    ['that is sealed', { ...without('salt'), sealed: {} }, 'UNBOUND'],
    ['without a call', without('callId'), 'UNBOUND'],
    ['with a member more', changed({ note: 'trust me' }), 'UNBOUND'],
    ['with two values', JSON.stringify(ofPath).replace('{', '{"value":"/srv/b",'), 'INPUT_MALFORMED'],
    ['that is no JSON', '{', 'INPUT_MALFORMED'],
    ['that is empty', '', 'INPUT_MALFORMED'],
    ['that is a list', [], 'UNBOUND'],
  ])('%s', async (_, opening, code) => {
    const report = await verify(opening);
    expect(report.ok).toBe(false);
    expect(codesOf(report)).toEqual([code]);
  });

  it('of text where only the spelling differs: params and result are bytes', async () => {
    for (const field of ['params', 'result'] as const) {
      const opening = openings[field] ?? {};
      const report = await verify({ ...opening, value: `${String(opening['value'])} ` });
      expect(codesOf(report)).toEqual(['UNBOUND']);
    }
  });

  it('of a result when only the verdict was given, and of an argument when only the outcome was', async () => {
    expect(codesOf(await verify(openings['result'] ?? null, [call.verdict]))).toEqual(['UNBOUND']);
    expect(codesOf(await verify(ofPath, [call.outcome]))).toEqual(['UNBOUND']);
  });

  it('of an action document with another salt, another call, or other arguments', async () => {
    const action = openings['action'] ?? {};
    const document = JSON.parse(text(call.action)) as JsonObject;
    const forged = canonicalJson({ ...document, arguments: { path: '/srv/b' } });
    expect(codesOf(await verify({ ...action, salt: saltInAction(other) }))).toEqual(['UNBOUND']);
    expect(codesOf(await verify({ ...action, value: text(other.action) }))).toEqual(['SUBJECT_MISMATCH']);
    expect(codesOf(await verify({ ...action, value: forged }))).toEqual(['SUBJECT_MISMATCH']);
  });

  it('beside a good one', async () => {
    const report = await verify(`${JSON.stringify(ofPath)}\n${JSON.stringify(changed({ value: 'x' }))}`);
    expect(codesOf(report)).toEqual(['UNBOUND']);
  });

  it('when the envelope is: nothing is opened with what nobody signed', async () => {
    const forged = call.verdict.replace('"signatures":[{"sig":"', '"signatures":[{"sig":"AAAA');
    const report = await verify(ofPath, [forged]);
    expect(report.ok).toBe(false);
    expect(report.calls[0]?.binding).toEqual({});
  });
});
