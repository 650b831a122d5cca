import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { govern } from '../../src/client/govern.ts';
import type { RunResult } from '../../src/client/gate-client.ts';
import { openGate, type OpenGate } from '../../src/runtime/open-gate.ts';
import { testHome, type TestHome } from '../support/home.ts';

const policy = `version: 1
name: notes
rules:
  - id: add
    effect: allow
    tools: ['notes/add']
    when: size(args.text) <= 20
    reason: Short notes are harmless.
`;

let place: TestHome;
let gate: OpenGate;

beforeAll(async () => {
  place = await testHome();
  const file = join(place.work, 'notes.yaml');
  writeFileSync(file, policy);
  gate = await openGate({ home: place.home, apiKey: place.apiKey, policies: [file] });
});

afterAll(async () => {
  await gate.close();
  await place[Symbol.asyncDispose]();
});

async function verify(ended: RunResult<unknown>, expected: string): Promise<number> {
  const file = join(place.work, `${ended.callId}.json`);
  writeFileSync(file, 'evidence' in ended ? (ended.evidence ?? '') : '');
  return (await place.cli('verify', '--trust', place.trustFile, '--expect', expected, file)).code;
}

describe('a gate in the process of its application', () => {
  it('decides by the policy, and what it signs verifies: done, failed and denied', async () => {
    const add = govern(gate, { tool: 'notes/add' }, ({ text }: { text: string }) => {
      if (text === 'fail') throw new Error('no more paper');
      return { note: text.length, ratio: 0.1 };
    });
    const [done, failed, denied] = await Promise.all([
      add.run({ text: 'hello' }),
      add.run({ text: 'fail' }),
      add.run({ text: 'x'.repeat(21) }),
    ]);
    expect([done.kind, failed.kind, denied.kind]).toEqual(['done', 'failed', 'denied']);
    expect(await verify(done, 'executed')).toBe(0);
    expect(await verify(failed, 'allow')).toBe(0);
    expect(await verify(denied, 'deny')).toBe(0);
    expect(await verify(denied, 'allow')).toBe(1);
  });

  it('throws the refusal as a sentence for the model, with what was signed', async () => {
    const add = govern(gate, { tool: 'notes/add' }, () => 1);
    await expect(add({ text: 'x'.repeat(21) })).rejects.toMatchObject({
      name: 'CallRefusedError',
      code: 'NO_RULE_ALLOWS',
      message: expect.stringMatching(/notes\/add.*\(NO_RULE_ALLOWS\)$/),
      ended: { kind: 'denied', evidence: expect.any(String) },
    });
  });

  it('opens for a valid key only', async () => {
    const wrong = `${place.apiKey.slice(0, -4)}zzzz`;
    const opening = openGate({ home: place.home, apiKey: wrong });
    await expect(opening).rejects.toMatchObject({ code: expect.stringMatching(/^API_KEY_/) });
    await expect(openGate({ home: place.home, apiKey: undefined })).rejects.toMatchObject({
      code: 'API_KEY_MISSING',
    });
  });

  it('leaves what it recorded in the home’s log', async () => {
    const { stdout } = await place.cli('log', 'tail');
    expect(stdout).toContain('notes/add');
  });
});
