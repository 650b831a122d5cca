import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAgent, tool } from 'langchain';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evidenceOf, governanceMiddleware } from '../../../adapters/langchain/index.ts';
import { utf8 } from '../../../src/call/sha256.ts';
import { connectGate } from '../../../src/client/connect-gate.ts';
import { metaKeys } from '../../../src/names.ts';
import { loadTrust } from '../../../src/verify/trust.ts';
import { verifyToolResult } from '../../../src/verify/verify.ts';
import { testHome, type TestHome } from '../../support/home.ts';
import { startServing, type Serving } from '../../support/serving.ts';
import type { ModelCall } from '../contract.ts';
import { scripted, toolMessages } from './agent.ts';

const schema = { type: 'object', properties: {} } as const;
const given: Readonly<Record<string, unknown>> = {
  object: { added: 'milk', count: 2 },
  text: 'just words',
  number: '12345678901234567890',
  spaced: '{ "added": 12345678901234567890 }',
  blocks: [{ type: 'text', text: 'one' }],
};
const tools = [
  ...Object.entries(given).map(([name, value]) => tool(() => value, { name, description: name, schema })),
  tool(() => Promise.reject(new Error('no paper')), { name: 'failing', description: 'failing', schema }),
  tool(() => 'never', { name: 'denied', description: 'denied', schema }),
];

let home: TestHome;
let serving: Serving;

beforeAll(async () => {
  home = await testHome();
  const rules = `version: 1
name: office
rules:
  - { id: all, effect: allow, tools: ['office/*'], reason: All but one. }
  - { id: one, effect: deny, tools: ['office/denied'], reason: Not this one. }
`;
  writeFileSync(join(home.work, 'rules.yaml'), rules);
  const text = 'version: 1\nlisten: { host: 127.0.0.1, port: 0 }\npolicies: [rules.yaml]\n';
  serving = await startServing(home, { name: 'countersign.yaml', text });
});

afterAll(async () => {
  await serving.end();
  await home[Symbol.asyncDispose]();
});

async function answers(names: readonly string[]) {
  const calls = names.map((name): ModelCall => ({ id: `call_${name}`, name, args: {} }));
  const gate = connectGate({ url: serving.url, apiKey: home.apiKey });
  const middleware = [governanceMiddleware({ gate, server: 'office' })];
  const agent = createAgent({ model: scripted(calls), tools, middleware });
  const { messages } = await agent.invoke({ messages: [{ role: 'user', content: 'Go.' }] });
  return toolMessages(messages);
}

/** What `countersign verify` finds. */
async function found(evidence: string | undefined): Promise<{ readonly ok: boolean; readonly said: string }> {
  const trust = await loadTrust(readFileSync(home.trustFile));
  const report = await verifyToolResult(utf8(evidence ?? ''), trust);
  return { ok: report.ok, said: JSON.stringify(report) };
}

describe('the evidence of a tool message', () => {
  it('verifies with the content that the model was told, whatever the tool gave', async () => {
    for (const message of await answers(Object.keys(given))) {
      const { ok, said } = await found(evidenceOf(message));
      expect({ ok, said }, message.name).toMatchObject({ ok: true });
      expect(said).toContain('executed');
      const changed = await found(evidenceOf({ ...message, content: 'something else' }));
      expect(changed).toMatchObject({ ok: false, said: expect.stringContaining('UNBOUND') });
    }
  });

  it('verifies for a denial, and for what failed', async () => {
    const [failed, denied] = await answers(['failing', 'denied']);
    const ofFailed = await found(failed && evidenceOf(failed));
    expect(ofFailed).toMatchObject({ ok: true, said: expect.stringContaining('failed') });
    const ofDenied = await found(denied && evidenceOf(denied));
    expect(ofDenied).toMatchObject({ ok: true, said: expect.stringContaining('DENY') });
  });

  it('is nothing where nothing was signed, and does not verify where what is there is not ours', async () => {
    expect(evidenceOf({ content: 'x' })).toBeUndefined();
    expect(evidenceOf({ content: 'x', metadata: { other: 1 } })).toBeUndefined();
    const envelopes = { verdict: { dsseEnvelope: { payload: '%' } }, outcome: 7 };
    const forged = evidenceOf({ content: 'x', metadata: { [metaKeys.envelope]: envelopes } });
    expect(await found(forged)).toMatchObject({ ok: false });
  });
});
