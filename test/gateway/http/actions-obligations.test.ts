import { describe, expect, it } from 'vitest';
import { fromUtf8, utf8 } from '../../../src/call/sha256.ts';
import { redeemPermit } from '../../../src/call/permit.ts';
import { createGate } from '../../../src/gate/create-gate.ts';
import { createDeclaredDirectory } from '../../../src/gate/declared-tools.ts';
import { actionRoutes } from '../../../src/gateway/http/actions.ts';
import { metaKeys } from '../../../src/names.ts';
import { compilePolicy } from '../../../src/policy/compile.ts';
import type { Target } from '../../../src/targets/target.ts';
import { harness } from '../../gate/harness.ts';

const server = { name: 'actions', digest: 'c'.repeat(64) };
const definition = { sha256: 'e'.repeat(64), accepted: true, declaredProperties: ['to'] };

/** An action whose service answers with this, under a rule with these obligations. */
async function action(answer: string, ...obligations: readonly string[]) {
  const rule = `{id: r, effect: allow, tools: ["*/*"], obligations: [${obligations.join(', ')}]}`;
  const policy = compilePolicy([{ name: 'p.yaml', text: `version: 1\nname: p\nrules:\n  - ${rule}\n` }]);
  const { parts, apiKey } = await harness();
  const sent: (string | undefined)[] = [];
  const bytes = utf8(answer);
  const target: Target = {
    execute(permit) {
      redeemPermit(permit);
      sent.push(fromUtf8(permit.call.payload));
      const value = JSON.parse(answer) as object as Record<string, string>;
      return Promise.resolve({ kind: 'result', result: bytes, value, frame: bytes, pending: false });
    },
  };
  const directory = createDeclaredDirectory(server, new Map([['send', definition]]));
  const app = actionRoutes({
    gate: createGate({ ...parts, policy, directory }),
    server,
    actions: new Map([['send', { definition, target }]]),
    maxBodyBytes: 1_000,
  });
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
  const post = async (body: string) => {
    const response = await app.request('/actions/send', { method: 'POST', body, headers });
    const text = await response.text();
    const { _meta } = JSON.parse(text) as { readonly _meta: Record<string, { readonly code?: string }> };
    return { status: response.status, text, code: _meta[metaKeys.denial]?.code };
  };
  return { post, sent };
}

describe('an action under a rule with obligations', () => {
  it('sends the body that policy made of it', async () => {
    const { post, sent } = await action('{}', `{type: transform, set: {/to: '"ops@example.org"'}}`);
    expect((await post('{"n":1.50,"to":"other@example.org"}')).status).toBe(200);
    expect(sent).toEqual(['{"n":1.5,"to":"ops@example.org"}']);
  });

  it('sends nothing where that would be read in two ways', async () => {
    const { post, sent } = await action('{}', `{type: transform, set: {/TO: '"ops@example.org"'}}`);
    expect(await post('{"to":"other@example.org"}')).toMatchObject({ status: 403, code: 'OBLIGATION_UNMET' });
    expect(sent).toEqual([]);
  });

  it('answers with what the rule left of the result', async () => {
    const { post } = await action('{"card":"1111-2222"}', `{type: redact, of: result, fields: [/card]}`);
    const { status, text } = await post('{}');
    expect([status, text.includes('"result":{"card":"[redacted]"}')]).toEqual([200, true]);
    expect(text).not.toContain('1111');
  });

  it('withholds a result that is too large, and says that it must not be asked again', async () => {
    const { post, sent } = await action('{"card":"1111-2222"}', '{type: limit, bytes: 10}');
    const { status, text, code } = await post('{}');
    expect([status, code, sent.length]).toEqual([502, 'RESULT_TOO_LARGE', 1]);
    expect(text).not.toContain('1111');
    expect(text).toContain('"retryable":false');
  });

  it('that was called too often is told so with 429', async () => {
    const { post } = await action('{}', '{type: rate, limit: 1, window: 1h, per: [agent]}');
    expect([(await post('{}')).status, (await post('{}')).status]).toEqual([200, 429]);
  });
});
