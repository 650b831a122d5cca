/**
 * `npm run load -- [--minutes N] [--share S]`: a gateway under a steady load, ten minutes at 0.8 of its capacity unless told.
 * Calls come at fixed times, whether earlier ones are answered or not; every answer's envelopes are verified as it comes; the
 * gateway's memory is read every second; at the end the whole log is audited. Exits with 1 when anything of it fails.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { quantile } from './figure.ts';
import { asker, openSession, type Ask } from './http-client.ts';
import { countersign, startEchoHttp, startGateway, startService, type Gateway } from './places.ts';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, share: { type: 'string', default: '0.8' } },
});
const minutes = Number(values.minutes);
const share = Number(values.share);
const lanes = 32;
const capacitySeconds = 15;

/** Answers to verify, on the second processor: the workers are part of what the machine can do. */
interface Verifier {
  verify(answer: string): Promise<void>;
  readonly verified: number;
  readonly failures: readonly string[];
  end(): Promise<unknown>;
}

function startVerifier(trust: string): Verifier {
  const worker = new Worker(new URL('verify-worker.ts', import.meta.url), { workerData: trust });
  const waiting: (() => void)[] = [];
  const failures: string[] = [];
  let verified = 0;
  worker.on('message', (failure: string) => {
    verified += 1;
    if (failure !== '') failures.push(failure);
    waiting.shift()?.();
  });
  return {
    verify(answer) {
      worker.postMessage(answer);
      return new Promise((resolve) => waiting.push(resolve));
    },
    get verified() {
      return verified;
    },
    failures,
    end: () => worker.terminate(),
  };
}

async function main(): Promise<number> {
  await using echo = await startEchoHttp();
  await using service = await startService();
  await using gateway = await startGateway(
    `servers: { http: { url: '${echo.url}' } }
actions:
  act: { parameters: { type: object, properties: { value: { type: number } } }, request: { url: '${service.url}' } }
`,
  );
  const headers = { authorization: `Bearer ${gateway.apiKey}` };
  const asks = [
    await openSession({ url: `${gateway.origin}/mcp/http`, headers }),
    asker({ url: `${gateway.origin}/actions/act`, headers }),
  ];
  const verifier = startVerifier(gateway.trust);
  try {
    const capacity = await measureCapacity(asks, verifier);
    say(`capacity: ${capacity.toFixed(0)} verified calls/s with ${lanes} in flight`);
    const run = await steadily(asks, verifier, gateway, capacity * share);
    return report(run, verifier, gateway);
  } finally {
    await verifier.end();
  }
}

/** One call, alternately a tools/call and an action, and the verification of what came back. */
function caller(asks: readonly Ask[], verifier: Verifier): () => Promise<void> {
  let count = 0;
  return async () => {
    count += 1;
    const ask = asks[count % asks.length];
    if (ask) await verifier.verify((await ask()).body);
  };
}

async function measureCapacity(asks: readonly Ask[], verifier: Verifier): Promise<number> {
  const call = caller(asks, verifier);
  const until = performance.now() + capacitySeconds * 1000;
  let calls = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() < until) {
      await call();
      calls += 1;
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return calls / capacitySeconds;
}

interface Run {
  readonly rate: number;
  readonly asked: number;
  readonly errors: readonly string[];
  readonly latencies: readonly number[];
  /** MiB of resident memory, a sample a second. */
  readonly memory: readonly number[];
}

async function steadily(
  asks: readonly Ask[],
  verifier: Verifier,
  gateway: Gateway,
  rate: number,
): Promise<Run> {
  const call = caller(asks, verifier);
  const [errors, latencies, memory]: [string[], number[], number[]] = [[], [], []];
  const open = new Set<Promise<void>>();
  const started = performance.now();
  let asked = 0;
  while (performance.now() - started < minutes * 60_000) {
    const due = Math.floor(((performance.now() - started) / 1000) * rate);
    for (; asked < due; asked += 1) {
      const before = performance.now();
      const one = call()
        .then(() => void latencies.push(performance.now() - before))
        .catch((error: unknown) => void errors.push(String(error)))
        .finally(() => open.delete(one));
      open.add(one);
    }
    if (memory.length < Math.floor((performance.now() - started) / 1000)) {
      memory.push(residentMiB(gateway.pid));
      if (memory.length % 30 === 0)
        say(`${memory.length} s: ${asked} asked, ${open.size} open, ${memory.at(-1)?.toFixed(0) ?? '?'} MiB`);
    }
    await pause(4);
  }
  await Promise.all(open);
  return { rate, asked, errors, latencies, memory };
}

function residentMiB(pid: number): number {
  const [, kib] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1024;
}

/** The whole log, exported while the gateway runs and read by an auditor who trusts none of it. */
function auditLog({ home, trust }: Gateway): { readonly status: number | null; readonly said: string } {
  const folder = `${home}-export`;
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [countersign, ...args], {
      encoding: 'utf8',
      env: { ...process.env, COUNTERSIGN_HOME: home },
      maxBuffer: 64 << 20,
    });
  const exported = run('log', 'export', folder);
  const { status, stdout, stderr } =
    exported.status === 0 ? run('audit', '--trust', trust, folder) : exported;
  return { status, said: stdout + stderr };
}

function report(run: Run, verifier: Verifier, gateway: Gateway): number {
  const { memory, latencies, errors } = run;
  const fifth = Math.max(1, Math.floor(memory.length / 5));
  const audit = auditLog(gateway);
  const result = {
    minutes,
    rate: Math.round(run.rate),
    asked: run.asked,
    errors: errors.length,
    verified: verifier.verified,
    unverified: verifier.failures.length,
    p50: Number(quantile(latencies, 0.5).toFixed(1)),
    p99: Number(quantile(latencies, 0.99).toFixed(1)),
    // Of the second fifth, when everything is warm, and of the last.
    memoryEarly: Math.round(quantile(memory.slice(fifth, 2 * fifth), 0.5)),
    memoryLate: Math.round(quantile(memory.slice(-fifth), 0.5)),
    audit: audit.status,
  };
  console.log(JSON.stringify(result));
  for (const failure of [...errors, ...verifier.failures].slice(0, 5)) say(failure);
  say(audit.said.slice(0, 2_000));
  const isFlat = result.memoryLate < result.memoryEarly * 1.2;
  return errors.length + verifier.failures.length === 0 && audit.status === 0 && isFlat ? 0 : 1;
}

function say(sentence: string): void {
  process.stderr.write(`${sentence}\n`);
}

process.exitCode = await main();
