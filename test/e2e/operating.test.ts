import { renameSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testHome, type TestHome } from '../support/home.ts';
import { startServing, type Serving } from '../support/serving.ts';

const patience = 30_000;
let home: TestHome;
let service: Server;

beforeAll(async () => {
  home = await testHome();
  service = createServer((_, response) => response.end('{"set":1}'));
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
});

afterAll(async () => {
  service.closeAllConnections();
  service.close();
  await home[Symbol.asyncDispose]();
});

const policyFile = (): string => join(home.work, 'ot.yaml');

function policy(limit: number): string {
  return `version: 1
name: ot
rules:
  - { id: set-pressure, effect: allow, tools: ["actions/set-pressure"], when: "args.value <= ${limit}.0" }
`;
}

function configuration(more = ''): string {
  const { port } = service.address() as AddressInfo;
  return `version: 1
listen: { port: 0 }
policies: [ot.yaml]
actions:
  set-pressure:
    parameters: { type: object, properties: { value: { type: number } }, required: [value] }
    request: { url: "http://127.0.0.1:${port}/" }
${more}`;
}

let files = 0;

async function serve(...args: readonly string[]): Promise<Serving> {
  writeFileSync(policyFile(), policy(100));
  return startServing(home, { name: `operating-${(files += 1)}.yaml`, text: configuration(), args });
}

const set = async ({ ask }: Serving, value: number): Promise<number> =>
  (await ask('/actions/set-pressure', { method: 'POST', body: JSON.stringify({ value }) })).status;

interface Events {
  readonly status: number;
  seen(): { readonly id: number; readonly event: string }[];
  readonly ended: Promise<unknown>;
}

async function follow({ ask }: Serving, lastEventId?: number): Promise<Events> {
  const response = await ask('/v1/events', {
    headers: lastEventId === undefined ? {} : { 'last-event-id': String(lastEventId) },
  });
  let text = '';
  const read = async (): Promise<void> => {
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) text += chunk;
  };
  return {
    status: response.status,
    seen: () =>
      [...text.matchAll(/^id: (\d+)\nevent: (\w+)\n/gm)].map(([, id, event = '']) => ({
        id: Number(id),
        event,
      })),
    ended: read(),
  };
}

describe('the events of a gateway', () => {
  it('come from every gateway of the log, and go on at another one', { timeout: 90_000 }, async () => {
    await using one = await serve();
    await using other = await serve();
    const events = await follow(one);
    expect(await set(one, 1)).toBe(200);
    expect(await set(other, 200)).toBe(403);
    const names = (): string[] => events.seen().map(({ event }) => event);
    await expect.poll(names, { timeout: patience }).toEqual(['allow', 'outcome', 'deny']);
    const [first] = events.seen();
    expect(await one.end()).toBe(0);
    await events.ended;
    const again = await follow(other, first?.id);
    await expect.poll(() => again.seen(), { timeout: patience }).toEqual(events.seen().slice(1));
  });

  it('hold up neither another configuration nor the end', { timeout: 90_000 }, async () => {
    await using gateway = await serve();
    const events = await follow(gateway);
    writeFileSync(policyFile(), policy(300));
    await expect.poll(() => gateway.stderr(), { timeout: patience }).toContain('is in force');
    await events.ended;
    const next = await follow(gateway);
    expect(next.status).toBe(200);
    const began = Date.now();
    expect(await gateway.end()).toBe(0);
    await next.ended;
    expect(Date.now() - began).toBeLessThan(8_000);
  });
});

describe('a configuration that changes', () => {
  it('is taken when its files change, whole, or complained of once', { timeout: 90_000 }, async () => {
    await using gateway = await serve();
    const count = (text: string): number => gateway.stderr().split(text).length - 1;
    expect(await set(gateway, 150)).toBe(403);

    writeFileSync(`${policyFile()}.new`, policy(200));
    renameSync(`${policyFile()}.new`, policyFile());
    await expect.poll(() => count('is in force'), { timeout: patience }).toBe(1);
    expect(await set(gateway, 150)).toBe(200);

    const half = configuration('limits: { body: 2');
    for (const length of [40, 80, half.length]) writeFileSync(gateway.configFile, half.slice(0, length));
    await expect.poll(() => count('stays in force'), { timeout: patience }).toBe(1);
    writeFileSync(gateway.configFile, half);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(count('CONFIG_INVALID')).toBe(1);
    expect(await set(gateway, 150)).toBe(200);
    const ready = (await (await gateway.ask('/readyz')).json()) as object;
    expect(ready).toMatchObject({ ready: true, parts: { configuration: 'CONFIG_INVALID', policy: 'ok' } });

    writeFileSync(gateway.configFile, configuration('metrics: { public: true }'));
    await expect.poll(() => count('is in force'), { timeout: patience }).toBe(2);
    expect((await fetch(`${gateway.url}/metrics`)).status).toBe(200);
  });

  it.skipIf(process.platform === 'win32')(
    'waits for SIGHUP where it is not watched',
    { timeout: 90_000 },
    async () => {
      await using gateway = await serve('--no-watch');
      writeFileSync(policyFile(), policy(200));
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      expect(gateway.stderr()).not.toContain('is in force');
      gateway.signal('SIGHUP');
      await expect.poll(() => gateway.stderr(), { timeout: patience }).toContain('is in force');
      expect(await set(gateway, 150)).toBe(200);
    },
  );
});
