import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { figure, quantile, type Figure } from './figure.ts';

/**
 * An action through the gateway against the same service direct, in the same minute. A governed action makes two signed,
 * timestamped, durable envelopes, which come back with inclusion proofs in the answer.
 */
const countersign = new URL('../dist/bin/countersign.js', import.meta.url).pathname;
const rounds = 3;
const callsAtOne = 1_000;
const callsAtMany = 4_000;

export async function* bench(): AsyncGenerator<Figure> {
  const work = mkdtempSync(join(tmpdir(), 'countersign-bench-'));
  const service = await startService();
  const gateway = await startGateway(work, service.url);
  try {
    yield* measure(service.url, gateway);
  } finally {
    await gateway.end();
    service.close();
    rmSync(work, { recursive: true, force: true });
  }
}

interface Place {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

async function* measure(direct: string, gateway: Place): AsyncGenerator<Figure> {
  const places = [{ url: direct, headers: {} }, gateway] as const;
  const [[directTimes, gatewayTimes]] = [await alternate(places, (place) => latencies(place, callsAtOne))];
  const [p50, directP50] = [quantile(gatewayTimes.flat(), 0.5), quantile(directTimes.flat(), 0.5)];
  yield figure('gateway: p50 of an action at 1 in flight', p50, 'ms', directP50);
  yield figure('gateway: p50 added at 1 in flight', p50 - directP50, 'ms');
  yield figure(
    'gateway: p99 of an action at 1 in flight',
    quantile(gatewayTimes.flat(), 0.99),
    'ms',
    quantile(directTimes.flat(), 0.99),
  );
  for (const inFlight of [8, 64]) {
    const [directRates, rates] = await alternate(places, (place) => rate(place, callsAtMany, inFlight));
    yield figure(
      `gateway: actions/s at ${inFlight} in flight`,
      quantile(rates, 0.5),
      '/s',
      quantile(directRates, 0.5),
    );
  }
}

/** A B A B …, so that a slow minute of the machine is in both. */
async function alternate<T>(
  [direct, governed]: readonly [Place, Place],
  measureAt: (place: Place) => Promise<T>,
): Promise<[T[], T[]]> {
  const results: [T[], T[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    results[0].push(await measureAt(direct));
    results[1].push(await measureAt(governed));
  }
  return results;
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const body = '{"value":12.5}';

async function act({ url, headers }: Place): Promise<void> {
  const asked = request(url, {
    agent,
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-length': body.length, ...headers },
  });
  asked.end(body);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  if (response.statusCode !== 200) throw new Error(`a benchmarked action got ${response.statusCode ?? '?'}`);
}

async function latencies(place: Place, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count + 100; i += 1) {
    const before = performance.now();
    await act(place);
    if (i >= 100) times.push(performance.now() - before);
  }
  return times;
}

async function rate(place: Place, count: number, inFlight: number): Promise<number> {
  let left = count;
  const before = performance.now();
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await act(place);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return (count * 1000) / (performance.now() - before);
}

async function startService(): Promise<{ readonly url: string; close(): void }> {
  const server = createServer((incoming, response) => {
    incoming.resume().on('end', () => response.end('{"set":12.5}'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function startGateway(work: string, url: string): Promise<Place & { end(): Promise<void> }> {
  const home = join(work, 'home');
  const made = execFileSync(process.execPath, [countersign, 'init', '--home', home, '--json'], {
    encoding: 'utf8',
  });
  const { apiKey } = JSON.parse(made) as { apiKey: string };
  const policy = 'version: 1\nname: bench\nrules: [{ id: all, effect: allow, tools: ["actions/act"] }]\n';
  writeFileSync(join(work, 'policy.yaml'), policy);
  const action = `{ parameters: { type: object, properties: { value: { type: number } } }, request: { url: "${url}" } }`;
  const config = join(work, 'countersign.yaml');
  writeFileSync(
    config,
    `version: 1\nlisten: { port: 0 }\npolicies: [policy.yaml]\nactions: { act: ${action} }\n`,
  );
  const child = spawn(process.execPath, [countersign, 'serve', '--home', home, '--config', config], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'close');
  child.stderr.setEncoding('utf8');
  let said = '';
  for await (const chunk of child.stderr.iterator({ destroyOnReturn: false }) as AsyncIterable<string>) {
    said += chunk;
    if (said.includes('\n')) break;
  }
  child.stderr.resume();
  const [listening] = /http:\S+/.exec(said) ?? [];
  if (listening === undefined) throw new Error(`the gateway did not start: ${said}`);
  return {
    url: `${listening}/actions/act`,
    headers: { authorization: `Bearer ${apiKey}` },
    async end() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
