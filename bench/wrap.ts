import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { figure, quantile, type Figure } from './figure.ts';
import { measureSigning } from './signing.ts';
import { initialize, startClient, type WireClient } from './wire-client.ts';

/**
 * A governed tools/call over stdio against the same server direct, in the same minute. A governed call makes two signed,
 * timestamped, durable envelopes, which come back with inclusion proofs in the answer.
 */
const countersign = new URL('../dist/bin/countersign.js', import.meta.url).pathname;
const echoServer = new URL('./echo-server.ts', import.meta.url).pathname;
const rounds = 3;
const callsAtOne = 1_500;
const callsAtMany = 6_000;
const starts = 7;

export async function* bench(): AsyncGenerator<Figure> {
  const work = mkdtempSync(join(tmpdir(), 'countersign-bench-'));
  try {
    yield* benchIn(work);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function* benchIn(work: string): AsyncGenerator<Figure> {
  const env = prepareHome(work);
  const direct = () => startClient({ command: process.execPath, args: [echoServer], env });
  const wrapped = () =>
    startClient({
      command: process.execPath,
      args: [countersign, 'wrap', '--name', 'echo', '--', process.execPath, echoServer],
      env,
    });
  await acceptEcho(wrapped, env);

  const latency = await alternate(direct, wrapped, (client) => latencies(client, callsAtOne));
  const [directMs, wrappedMs] = [quantile(latency.direct.flat(), 0.5), quantile(latency.wrapped.flat(), 0.5)];
  yield figure('wrap: p50 at 1 in flight', wrappedMs, 'ms', directMs);
  yield figure('wrap: p50 added at 1 in flight', wrappedMs - directMs, 'ms');
  yield figure(
    'wrap: p99 at 1 in flight',
    quantile(latency.wrapped.flat(), 0.99),
    'ms',
    quantile(latency.direct.flat(), 0.99),
  );

  for (const inFlight of [8, 64]) {
    const rate = await alternate(direct, wrapped, (client) => callsPerSecond(client, callsAtMany, inFlight));
    const [directRate, wrappedRate] = [quantile(rate.direct, 0.5), quantile(rate.wrapped, 0.5)];
    yield figure(`wrap: calls/s at ${inFlight} in flight`, wrappedRate, '/s', directRate);
    if (inFlight === 64) {
      const signingMs = (await measureSigning()) * 2;
      yield figure(
        'wrap: share of signing and stamping at 64',
        (100 * signingMs) / (1000 / wrappedRate),
        '% of a call',
      );
    }
  }

  const start = await alternate(direct, wrapped, undefined, starts, firstCall);
  const [directStart, wrappedStart] = [quantile(start.direct, 0.5), quantile(start.wrapped, 0.5)];
  yield figure('wrap: start to first answered call', wrappedStart, 'ms', directStart);
  yield figure('wrap: start added', wrappedStart - directStart, 'ms');
}

function prepareHome(work: string): NodeJS.ProcessEnv {
  const home = join(work, 'home');
  const made = execFileSync(process.execPath, [countersign, 'init', '--home', home, '--json'], {
    encoding: 'utf8',
  });
  const { apiKey } = JSON.parse(made) as { apiKey: string };
  return { ...process.env, COUNTERSIGN_HOME: home, COUNTERSIGN_API_KEY: apiKey };
}

/** Tools are accepted as an operator does, once the gate has seen them. */
async function acceptEcho(wrapped: () => WireClient, env: NodeJS.ProcessEnv): Promise<void> {
  const client = wrapped();
  await initialize(client);
  await call(client);
  await client.close();
  execFileSync(process.execPath, [countersign, 'tools', 'accept', 'echo', '--read-only'], {
    env,
    stdio: 'ignore',
  });
}

interface Both<T> {
  readonly direct: T[];
  readonly wrapped: T[];
}

/** A B A B …, so that a slow minute of the machine is in both. */
async function alternate<T>(
  direct: () => WireClient,
  wrapped: () => WireClient,
  measure: ((client: WireClient) => Promise<T>) | undefined,
  times = rounds,
  measureStart?: (start: () => WireClient) => Promise<T>,
): Promise<Both<T>> {
  const both: Both<T> = { direct: [], wrapped: [] };
  for (let round = 0; round < times; round += 1) {
    for (const [start, results] of [
      [direct, both.direct],
      [wrapped, both.wrapped],
    ] as const) {
      if (measureStart) results.push(await measureStart(start));
      if (!measure) continue;
      const client = start();
      await initialize(client);
      await latencies(client, 200);
      results.push(await measure(client));
      await client.close();
    }
  }
  return both;
}

async function call(client: WireClient): Promise<Record<string, unknown>> {
  return client.request('tools/call', { name: 'echo', arguments: { text: 'a short line of text' } });
}

async function governedOrDirect(client: WireClient): Promise<void> {
  const { result } = (await call(client)) as { result?: { isError?: boolean } };
  if (!result || result.isError) throw new Error('a benchmarked call was not allowed');
}

async function latencies(client: WireClient, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const before = performance.now();
    await governedOrDirect(client);
    times.push(performance.now() - before);
  }
  return times;
}

async function callsPerSecond(client: WireClient, count: number, inFlight: number): Promise<number> {
  let left = count;
  const before = performance.now();
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await governedOrDirect(client);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return (count * 1000) / (performance.now() - before);
}

async function firstCall(start: () => WireClient): Promise<number> {
  const before = performance.now();
  const client = start();
  await initialize(client);
  await governedOrDirect(client);
  const elapsed = performance.now() - before;
  await client.close();
  return elapsed;
}
