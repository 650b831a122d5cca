import { spawn, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connectGate } from '../../src/client/connect-gate.ts';
import type { ToolCall } from '../../src/client/gate-client.ts';
import { uuidv7 } from '../../src/call/uuid.ts';
import { metaKeys } from '../../src/names.ts';
import { countersign, testHome, type TestHome } from '../support/home.ts';

const patience = 30_000;

let home: TestHome;
const gateways: Gateway[] = [];

beforeAll(async () => {
  home = await testHome();
});
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.end('SIGTERM');
});
afterAll(() => home[Symbol.asyncDispose]());

interface Gateway {
  readonly child: ChildProcess;
  readonly url: string;
  stderr(): string;
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<unknown>;
}

function writePolicy(longest: number): void {
  writeFileSync(
    join(home.work, 'notes.yaml'),
    `version: 1
name: notes
rules:
  - { id: add, effect: allow, tools: ["notes/add"], when: "size(args.text) <= ${longest}" }
`,
  );
}

async function serve(): Promise<Gateway> {
  const file = join(home.work, 'countersign.yaml');
  writePolicy(10);
  writeFileSync(file, 'version: 1\nlisten: { port: 0 }\npolicies: [notes.yaml]\n');
  const child = spawn(process.execPath, [countersign, 'serve', '--config', file], {
    env: home.env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  const closed = new Promise((resolve) => child.once('close', resolve));
  await expect.poll(() => said, { timeout: patience }).toMatch(/listening on http:\S+\n/);
  const gateway: Gateway = {
    child,
    url: /http:\S+/.exec(said)?.[0] ?? '',
    stderr: () => said,
    end(signal) {
      child.kill(signal);
      return closed;
    },
  };
  gateways.push(gateway);
  return gateway;
}

const call = (text: string): ToolCall => ({
  server: 'notes',
  tool: 'add',
  arguments: { text },
  definition: { name: 'add', inputSchema: { type: 'object', properties: { text: { type: 'string' } } } },
});

async function verified(text: string, expectation: string): Promise<unknown> {
  const { stdout } = await home.pipe(
    text,
    ...['verify', '--trust', home.trustFile, '--expect', expectation, '--json', '-'],
  );
  return JSON.parse(stdout);
}

async function shown(
  callId: string,
): Promise<{ readonly outcome: string | undefined; readonly text: string }> {
  const { stdout } = await home.cli('log', 'show', callId);
  const { outcome } = JSON.parse(stdout) as { outcome: { dsseEnvelope: { payload: string } } | null };
  const payload = outcome && Buffer.from(outcome.dsseEnvelope.payload, 'base64').toString();
  return { text: stdout, outcome: payload ?? undefined };
}

describe('a caller that carries its calls out itself', { timeout: 120_000 }, () => {
  it('gets a verdict, reports, and holds evidence that verifies for what it is', async () => {
    const { url } = await serve();
    const gate = connectGate({ url, apiKey: home.apiKey });
    const notes: unknown[] = [];
    const ran = await gate.run(call('hello'), async ({ text }) => ({ note: notes.push(text) }));
    expect(ran).toMatchObject({ kind: 'done', result: { note: 1 } });
    if (ran.kind !== 'done') return;
    expect(await verified(ran.evidence, 'executed')).toMatchObject({
      ok: true,
      calls: [
        {
          binding: { result: 'raw' },
          envelopes: [
            { verdict: 'ALLOW', tool: 'notes/add' },
            { outcome: 'executed', observedBy: 'caller' },
          ],
        },
      ],
    });
    const forged = ran.evidence.replace('"note":1', '"note":2');
    expect(await verified(forged, 'executed')).toMatchObject({ ok: false });
    const { stdout } = await home.pipe(ran.evidence, 'verify', '--trust', home.trustFile, '-');
    expect(stdout).toContain('the gate saw nothing of it');

    const denied = await gate.run(call('far too long for a note'), async () => notes.push('never'));
    expect(denied).toMatchObject({ kind: 'denied', denial: { code: 'NO_RULE_ALLOWS' } });
    expect(notes).toEqual(['hello']);
    expect(await verified(denied.envelopes?.verdict ?? '', 'deny')).toMatchObject({ ok: true });
  });

  it('is what an operator sees among the servers, and whose tools one accepts', async () => {
    const { url } = await serve();
    await connectGate({ url, apiKey: home.apiKey }).decide(call('hi'));
    const listed = await home.cli('tools', 'list', 'notes');
    expect(listed.stdout).toMatch(/notes .*caller.*\n {2}add {2}listed/);
    expect((await home.cli('tools', 'accept', 'notes', 'add')).code).toBe(0);
    expect((await home.cli('tools', 'list', 'notes')).stdout).toContain('add  accepted');
  });

  it('reports to the gate that decided, also when another policy came into force meanwhile', async () => {
    const gateway = await serve();
    const gate = connectGate({ url: gateway.url, apiKey: home.apiKey });
    const ran = await gate.run(call('hello'), async () => {
      writePolicy(2);
      gateway.child.kill('SIGHUP');
      await expect.poll(gateway.stderr, { timeout: patience }).toContain('new configuration is in force');
      expect(await gate.decide(call('hello'))).toMatchObject({ denial: { code: 'NO_RULE_ALLOWS' } });
      return 'done';
    });
    expect(ran.kind).toBe('done');
  });

  it('whose gate is killed between verdict and report has a call that is settled as unknown', async () => {
    const first = await serve();
    const gate = connectGate({ url: first.url, apiKey: home.apiKey, retries: 0 });
    const callId = uuidv7(Date.now());
    const ran = await gate.run({ ...call('hello'), callId }, async () => {
      await first.end('SIGKILL');
      return 'done';
    });
    expect(ran).toMatchObject({ kind: 'unsettled', result: 'done', denial: { code: 'OUTCOME_UNRECORDED' } });
    const second = await serve();
    const again = connectGate({ url: second.url, apiKey: home.apiKey });
    expect(await again.decide({ ...call('hello'), callId })).toMatchObject({
      denial: { code: 'CALL_ID_KNOWN' },
    });
    const { outcome, text } = await shown(callId);
    expect(outcome).toContain('"outcome":"unknown"');
    expect(outcome).toContain('GATE_DIED');
    expect(await verified(text, 'allow')).toMatchObject({ ok: true });
    expect(await verified(text, 'executed')).toMatchObject({ ok: false });
  });

  it('is a decision point of AuthZEN too, whose answers verify', async () => {
    const { url } = await serve();
    const response = await fetch(`${url}/access/v1/evaluation`, {
      method: 'POST',
      headers: { authorization: `Bearer ${home.apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        subject: { type: 'agent', id: 'default' },
        action: { name: 'tools/call' },
        resource: { type: 'tool', id: 'notes/add', properties: { arguments: { text: 'hi' } } },
      }),
    });
    expect(response.status).toBe(200);
    const { decision, context } = (await response.json()) as {
      decision: boolean;
      context: Record<string, { verdict: object }>;
    };
    // The tool was declared to a gateway before this one.
    expect(decision).toBe(true);
    const verdict = JSON.stringify(context[metaKeys.envelope]?.verdict);
    expect(await verified(verdict, 'allow')).toMatchObject({ ok: true });
    expect((await fetch(`${url}/.well-known/authzen-configuration`)).status).toBe(401);
  });

  it('leaves a log without a fault', async () => {
    const folder = join(home.work, 'export');
    expect((await home.cli('log', 'export', folder)).code).toBe(0);
    const audited = await home.cli('audit', '--trust', home.trustFile, folder);
    expect(audited).toMatchObject({ code: 0 });
  });
});
