import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countersign, testHome, type TestHome } from '../support/home.ts';
import { startWire, type WireAnswer } from '../support/wire.ts';

const effectsServer = new URL('../support/effects-server.mjs', import.meta.url).pathname;
const processes = 4;
const callsEach = 50;
const inFlight = 5;

let home: TestHome;
let effects: string;

beforeAll(async () => {
  home = await testHome();
  effects = join(home.work, 'effects.txt');
  const rule = '{ id: perform, effect: allow, tools: ["effects/perform"] }';
  writeFileSync(join(home.home, 'policy.yaml'), `version: 1\nname: test\nrules:\n  - ${rule}\n`);
});

afterAll(() => home[Symbol.asyncDispose]());

/** One gate that makes all its calls, some of them at once; resolves to their answers. */
async function makeCalls(gate: number): Promise<WireAnswer[]> {
  const server = [process.execPath, effectsServer, effects];
  const wire = startWire(
    process.execPath,
    [countersign, 'wrap', '--name', 'effects', '--', ...server],
    home.env,
  );
  // With a handshake the gate waits for the server's list as long as its start takes: many start at once here.
  await wire.request('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: {} });
  const answers: WireAnswer[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < callsEach) {
      const word = `${gate}.${next++}`;
      answers.push(await wire.request('tools/call', { name: 'perform', arguments: { word } }));
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  expect(await wire.end()).toMatchObject({ code: 0 });
  expect(wire.stderr()).toBe('');
  return answers;
}

interface Entry {
  readonly index: number;
  readonly kind: string;
  readonly callId: string | null;
}

describe(`${processes} gates of one home at once, ${callsEach} calls each`, () => {
  let answers: WireAnswer[][];
  let entries: Entry[];

  beforeAll(async () => {
    answers = await Promise.all(Array.from({ length: processes }, (_, gate) => makeCalls(gate)));
    const { stdout } = await home.cli('log', 'tail', '-n', '1000000', '--json');
    entries = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Entry);
  });

  it('execute each call once', () => {
    const words = Array.from(
      { length: processes * callsEach },
      (_, at) => `${at % processes}.${Math.floor(at / processes)}`,
    );
    expect(answers.flat().filter(({ result }) => result === undefined || result.isError)).toEqual([]);
    expect(readFileSync(effects, 'utf8').trimEnd().split('\n').sort()).toEqual(words.sort());
  });

  it('write one log without a gap, with a verdict and an outcome of every call', () => {
    expect(entries.map(({ index }) => index)).toEqual([...entries.keys()]);
    const of = (kind: string): (string | null)[] =>
      entries.filter((entry) => entry.kind === kind).map(({ callId }) => callId);
    expect(new Set(of('allow')).size).toBe(processes * callsEach);
    expect(of('outcome').sort()).toEqual(of('allow').sort());
    expect(of('deny')).toEqual([]);
    expect([of('sessionOpen'), of('sessionClose')].map(({ length }) => length)).toEqual([
      processes,
      processes,
    ]);
    // The first to meet the server pins it, for all of them.
    expect(entries.filter(({ kind }) => kind === 'change')).toHaveLength(2);
  });

  it('give envelopes that all verify together, as leaves of one tree', async () => {
    const files = answers.map((each, gate) => {
      const file = join(home.work, `gate-${gate}.jsonl`);
      writeFileSync(file, each.map((answer) => `${JSON.stringify(answer)}\n`).join(''));
      return file;
    });
    const options = ['--trust', home.trustFile, '--expect', 'executed', '--json'];
    const { code, stdout } = await home.cli('verify', ...options, ...files);
    const report = JSON.parse(stdout) as { calls: { ok: boolean }[]; failures: unknown[] };
    expect(report.failures).toEqual([]);
    expect(report.calls.filter(({ ok }) => !ok)).toEqual([]);
    expect(report.calls).toHaveLength(processes * callsEach);
    expect(code).toBe(0);
  });
});
