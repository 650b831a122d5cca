import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { metaKeys } from '../../src/names.ts';
import { countersign, testHome, type TestHome } from '../support/home.ts';
import { startServing, type Serving } from '../support/serving.ts';
import { startWire } from '../support/wire.ts';

const patience = 60_000;
const slowServer = new URL('../support/slow-server.ts', import.meta.url).pathname;

let home: TestHome;
let heard: string;
let serving: Serving;

beforeAll(async () => {
  home = await testHome();
  heard = join(home.work, 'heard');
  const policy = join(home.work, 'all.yaml');
  writeFileSync(policy, 'version: 1\nname: all\nrules:\n  - { id: all, effect: allow, tools: ["slow/*"] }\n');
  const text = `version: 1
listen: { port: 0 }
policies: ["${policy}"]
servers:
  slow: { command: "${process.execPath}", args: ["${slowServer}", "${heard}"] }
`;
  serving = await startServing(home, { name: 'serve.yaml', text });
}, patience);

afterEach(async () => {
  for (const { kind, id } of JSON.parse((await home.cli('revoke', 'list', '--json')).stdout) as {
    kind: string;
    id: string;
  }[])
    await home.cli('revoke', 'lift', kind, ...(id === '' ? [] : [id]));
}, patience);

afterAll(async () => {
  await serving[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

interface Told {
  readonly result: {
    readonly _meta: Record<
      string,
      { readonly code?: string; readonly verdict?: object; readonly outcome?: object }
    >;
  };
}

const accept = 'application/json, text/event-stream';
const send = (message: object, headers: Record<string, string> = {}): Promise<Response> =>
  serving.ask('/mcp/slow', {
    method: 'POST',
    headers: { accept, ...headers },
    body: JSON.stringify({ jsonrpc: '2.0', ...message }),
  });

async function session(): Promise<Record<string, string>> {
  const clientInfo = { name: 'test', version: '1' };
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
  const begun = await send({ id: 0, method: 'initialize', params });
  const headers = { 'mcp-session-id': begun.headers.get('mcp-session-id') ?? '' };
  await begun.text();
  await (await send({ method: 'notifications/initialized' }, headers)).text();
  return headers;
}

/** Resolves once the server has the call. */
async function begunCall(headers: Record<string, string>, name = 'wait') {
  const before = lines().length;
  const answer = send({ id: 1, method: 'tools/call', params: { name, arguments: {} } }, headers).then(
    (said) => said.text(),
  );
  await until(() => lines().length > before);
  return { answer: answer.then(messageIn) };
}

const lines = (): string[] => (existsSync(heard) ? readFileSync(heard, 'utf8').split('\n').slice(0, -1) : []);

async function until(holds: () => boolean, ms = 10_000): Promise<void> {
  const end = performance.now() + ms;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`not within ${ms} ms`);
    await sleep(10);
  }
}

function messageIn(text: string): Told {
  const data = text.startsWith('{') ? text : (/^data: (\{.*)$/m.exec(text)?.[1] ?? '');
  return JSON.parse(data) as Told;
}

/** Runs the command, and how long after it was done something else was. */
async function afterRevoking<T>(
  what: readonly string[],
  then: Promise<T>,
): Promise<{ ms: number; value: T }> {
  const done = await home.cli('revoke', ...what);
  expect(done).toMatchObject({ code: 0 });
  const began = performance.now();
  const value = await then;
  return { ms: performance.now() - began, value };
}

describe('countersign revoke', () => {
  it(
    'ends an agent’s running call within a second: cancelled at its server, signed as unknown, and verified',
    async () => {
      const headers = await session();
      const { answer } = await begunCall(headers);
      const { ms, value } = await afterRevoking(['agent', 'default', '--reason', 'a test'], answer);
      expect(ms).toBeLessThan(1_000);
      const meta = value.result._meta;
      expect(meta[metaKeys.denial]).toMatchObject({ code: 'AGENT_REVOKED' });
      await until(() => lines().at(-1) === 'cancelled');
      const outcome = join(home.work, 'outcome.json');
      writeFileSync(outcome, JSON.stringify(meta[metaKeys.envelope]?.outcome));
      const verified = await home.cli('verify', outcome, '--trust', home.trustFile, '--json');
      expect(verified.stdout).toContain('AGENT_REVOKED');
      expect(JSON.parse(verified.stdout)).toMatchObject({ ok: true });
      const again = await send({ id: 2, method: 'tools/call', params: { name: 'wait' } });
      expect(messageIn(await again.text()).result._meta[metaKeys.denial]).toMatchObject({
        code: 'AGENT_REVOKED',
      });
      await home.cli('revoke', 'lift', 'agent', 'default');
      await sleep(300);
      const { answer: next } = await begunCall(await session(), 'other');
      await afterRevoking(['tool', 'slow/other'], next);
    },
    patience,
  );

  it(
    'ends streams and sessions of whoever is revoked, and leaves them on another’s revocation',
    async () => {
      const headers = await session();
      const events = await serving.ask('/v1/events', { headers: { accept: 'text/event-stream' } });
      const stream = await serving.ask('/mcp/slow', { headers: { accept: 'text/event-stream', ...headers } });
      expect([events.status, stream.status]).toEqual([200, 200]);
      const ended = Promise.all([events.text(), stream.text()]);
      expect(await home.cli('revoke', 'agent', 'another')).toMatchObject({ code: 0 });
      await expect(Promise.race([ended, sleep(600).then(() => 'open')])).resolves.toBe('open');
      const { ms } = await afterRevoking(['agent', 'default'], ended);
      expect(ms).toBeLessThan(2_000);
      await sleep(800);
      await home.cli('revoke', 'lift', 'agent', 'default');
      await sleep(300);
      const gone = await send({ id: 5, method: 'ping' }, headers);
      expect(gone.status).toBe(404);
    },
    patience,
  );

  it(
    'cancels a task that an allowed call began',
    async () => {
      const headers = await session();
      const params = { name: 'begin', arguments: {}, task: { ttl: 60_000 } };
      const begun = messageIn(await (await send({ id: 1, method: 'tools/call', params }, headers)).text());
      expect(begun.result).toMatchObject({ task: { taskId: 'task-1' } });
      const { ms } = await afterRevoking(
        ['tool', 'slow/begin'],
        until(() => lines().at(-1) === 'tasks/cancel task-1'),
      );
      expect(ms).toBeLessThan(1_000);
    },
    patience,
  );

  it(
    'of everything stops wrap too',
    async () => {
      const wrap = ['wrap', '--name', 'slow', '--policy', join(home.work, 'all.yaml')];
      const server = [process.execPath, slowServer, heard];
      const wire = startWire(process.execPath, [countersign, ...wrap, '--', ...server], home.env);
      const before = lines().length;
      const answer = wire.request('tools/call', { name: 'wait', arguments: {} });
      await until(() => lines().length > before);
      const { ms, value } = await afterRevoking(['everything'], answer);
      expect(ms).toBeLessThan(1_000);
      expect(value.result?._meta?.[metaKeys.denial]).toMatchObject({ code: 'EVERYTHING_REVOKED' });
      await wire.end();
    },
    patience,
  );

  it(
    'says what is revoked, and refuses what it cannot mean',
    async () => {
      const human = ['human', 'ada', '--issuer', 'https://idp.test', '--before', 'now'];
      const first = JSON.parse((await home.cli('revoke', ...human, '--json')).stdout) as { new: boolean };
      expect(first).toMatchObject({ kind: 'human', id: 'ada', issuer: 'https://idp.test', new: true });
      expect((await home.cli('revoke', 'list')).stdout).toMatch(
        /human ada of https:\/\/idp\.test before .*operator/,
      );
      expect(await home.cli('revoke', 'lift', 'human', 'ada')).toMatchObject({ code: 1 });
      const issuer = ['--issuer', 'https://idp.test'];
      expect(await home.cli('revoke', 'lift', 'human', 'ada', ...issuer)).toMatchObject({ code: 0 });
      expect((await home.cli('revoke', 'list')).stdout).toBe('Nothing is revoked.\n');
      const unknown = await home.cli('revoke', 'key', 'no-such-key');
      expect(unknown).toMatchObject({ code: 1 });
      expect(unknown.stderr).toMatch(/NOT_FOUND.*countersign key list/);
      for (const misuse of [
        [],
        ['planner'],
        ['agent'],
        ['everything', 'x'],
        ['tool', 'x'],
        ['human', 'a', '--before', 'soon'],
      ])
        expect(await home.cli('revoke', ...misuse)).toMatchObject({ code: 2 });
      const pasted = await home.cli('revoke', 'key', home.apiKey);
      expect(pasted).toMatchObject({ code: 2 });
      expect(pasted.stderr).not.toContain(home.apiKey);
    },
    patience,
  );

  it(
    'of a key ends what was opened with it, for good',
    async () => {
      const made = await home.cli('key', 'create', '--json');
      const { apiKey, id } = JSON.parse(made.stdout) as { apiKey: string; id: string };
      const authorization = `Bearer ${apiKey}`;
      const events = await serving.ask('/v1/events', { headers: { authorization } });
      expect(events.status).toBe(200);
      const { ms } = await afterRevoking(['key', id], events.text());
      expect(ms).toBeLessThan(2_000);
      expect((await serving.ask('/v1/events', { headers: { authorization } })).status).toBe(401);
      await home.cli('revoke', 'lift', 'key', id);
      expect((await serving.ask('/v1/events', { headers: { authorization } })).status).toBe(401);
    },
    patience,
  );
});
