import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { countersign, type TestHome } from '../support/home.ts';

/** What the callers saw, to be held against what the log and the tool's own effects say. */
export interface History {
  readonly kills: number;
  /** The file that the tool appends to. */
  readonly effects: string;
  /** Every answer that arrived whole: the word that was asked for, and the result. */
  readonly answers: readonly { readonly word: string; readonly result: AnsweredResult }[];
  readonly asked: number;
}

export interface AnsweredResult {
  readonly isError?: boolean;
  readonly _meta?: {
    readonly 'dev.countersign/envelope'?: { readonly verdict: object; readonly outcome?: object };
  };
}

const inFlight = 8;
/** This part of the gates dies while it starts, or recovers what others left; the others die under load. */
const diesStarting = 0.3;
const startsWithinMs = 500;
const loadedForMs = 150;
/** A gate that has answered nothing after this is killed all the same. */
const patienceMs = 10_000;
/** Gates that share the log at once. */
const gates = 2;

const policy = `version: 1
name: fault
rules:
  - id: perform
    effect: allow
    tools: ["effects/perform"]
`;

/**
 * Starts gates on one log, loads them, and kills each with SIGKILL at a random moment, `count` times in all. Where the log is
 * not in the home, each lane has a copy of the home, as on a machine of its own.
 */
export async function killGates(
  home: TestHome,
  count: number,
  progress: (done: number) => void,
): Promise<History> {
  const effects = join(home.work, 'effects.txt');
  const policyFile = join(home.work, 'fault.yaml');
  writeFileSync(effects, '');
  writeFileSync(policyFile, policy);
  const answers: History['answers'][number][] = [];
  let started = 0;
  let done = 0;
  let asked = 0;

  const liveOnce = async (env: NodeJS.ProcessEnv): Promise<void> => {
    const gate = startGate({ env }, policyFile, effects);
    const firstAnswer = Promise.withResolvers<void>();
    const words = loadGate(gate, (word, result) => {
      answers.push({ word, result });
      firstAnswer.resolve();
    });
    if (Math.random() < diesStarting) {
      await sleep(Math.random() * startsWithinMs);
    } else {
      await Promise.race([firstAnswer.promise, sleep(patienceMs)]);
      await sleep(Math.random() * loadedForMs);
    }
    const ended = new Promise((resolve) => gate.once('close', resolve));
    gate.kill('SIGKILL');
    await ended;
    asked += words();
  };
  const lane = async (_: unknown, number: number): Promise<void> => {
    const env =
      home.env['COUNTERSIGN_LEDGER'] === undefined || number === 0 ? home.env : copyHome(home, number);
    while (started < count) {
      started += 1;
      await liveOnce(env);
      progress((done += 1));
    }
  };
  await Promise.all(Array.from({ length: gates }).map(lane));
  return { kills: done, effects, answers, asked };
}

/** The same keys, and a memory of its own of what was released and of who runs here. */
function copyHome({ home, work, env }: TestHome, number: number): NodeJS.ProcessEnv {
  const copy = join(work, `home-${number}`);
  cpSync(home, copy, { recursive: true, filter: (path) => !/\/(?:instances|released)\//.test(path) });
  return { ...env, COUNTERSIGN_HOME: copy };
}

export function startGate(home: Pick<TestHome, 'env'>, policyFile: string, effects: string): ChildProcess {
  const server = new URL('../support/effects-server.mjs', import.meta.url).pathname;
  return spawn(
    process.execPath,
    [
      countersign,
      'wrap',
      '--name',
      'effects',
      '--policy',
      policyFile,
      '--',
      process.execPath,
      server,
      effects,
    ],
    { env: home.env, stdio: ['pipe', 'pipe', 'ignore'] },
  );
}

/** Keeps calls in flight until the gate is gone; returns how many were asked for. */
function loadGate(
  gate: ChildProcess,
  answered: (word: string, result: AnsweredResult) => void,
): () => number {
  const words = new Map<number, string>();
  let nextId = 0;
  let rest = '';
  const ask = (): void => {
    nextId += 1;
    const word = crypto.randomUUID();
    words.set(nextId, word);
    const params = { name: 'perform', arguments: { word } };
    gate.stdin?.write(`${JSON.stringify({ jsonrpc: '2.0', id: nextId, method: 'tools/call', params })}\n`);
  };
  gate.stdin?.on('error', () => undefined);
  gate.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const { id, result } = JSON.parse(line) as { id: number; result?: AnsweredResult };
      if (result) answered(words.get(id) ?? '', result);
      ask();
    }
  });
  for (let i = 0; i < inFlight; i += 1) ask();
  return () => nextId;
}
