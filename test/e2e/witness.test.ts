import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fileIdentity } from '../../src/ledger/file-identity-node.ts';
import { cosignatureTime, parseNote } from '../../src/tlog/note.ts';
import { parseVkey } from '../../src/tlog/vkey.ts';
import { countersign, countersignCli, type Finished } from '../support/home.ts';
import { catalogueServer, recordCalls, type RecordedCalls } from '../support/recorded-calls.ts';
import { startWire } from '../support/wire.ts';

let recorded: RecordedCalls;
let witness: string;
let vkey: string;
let logVkey: string;
let serving: ServingWitness | undefined;

beforeAll(async () => {
  recorded = await recordCalls();
  await recorded.wire.end();
  const { home } = recorded;
  witness = join(home.work, 'witness');
  vkey = (await home.cli('witness', 'init', witness, '--name', 'witness.example.org')).stdout.trim();
  logVkey = (await home.cli('trust', '--vkey')).stdout.trim();
});

afterAll(async () => {
  serving?.child.kill('SIGKILL');
  await recorded[Symbol.asyncDispose]();
});

interface ServingWitness {
  readonly child: ChildProcess;
  readonly url: string;
  readonly stderr: () => string;
}

async function serve(): Promise<ServingWitness> {
  const child = spawn(process.execPath, [countersign, 'witness', 'serve', witness, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: recorded.home.env,
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  for await (const line of createInterface({ input: child.stdout })) {
    const [, url] = /^Listening on (http:\/\/127\.0\.0\.1:\d+)$/.exec(line) ?? [];
    if (url !== undefined) return { child, url, stderr: () => stderr };
  }
  throw new Error(`the witness does not serve: ${stderr}`);
}

interface Head {
  readonly size: number;
  readonly note: string;
}

/** The newest checkpoint of a home. */
async function headOf(home: string): Promise<Head> {
  const target = `${home}-export`;
  const { code, stderr } = await cli('log', 'export', target, '--home', home);
  expect([code, stderr]).toEqual([0, stderr]);
  const note = readFileSync(join(target, 'checkpoint'), 'utf8');
  return { note, size: Number(note.split('\n')[1]) };
}

/** Asks for a cosignature as a log does: with a proof from the size that the witness knows. */
async function submit(home: string, { note, size }: Head): Promise<{ status: number; text: string }> {
  const first = await post(`old 0\n\n${note}`);
  if (first.status === 200) return first;
  const known = Number(first.text);
  let proof = '';
  if (known < size) {
    const { stdout } = await cli('log', 'consistency', String(known), String(size), '--home', home);
    proof = (JSON.parse(stdout) as { hashes: string[] }).hashes.map((hash) => `${hash}\n`).join('');
  }
  return post(`old ${known}\n${proof}\n${note}`);
}

async function post(body: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`${serving?.url ?? ''}/add-checkpoint`, { method: 'POST', body });
  return { status: response.status, text: await response.text() };
}

/** Some calls through the gate of a home. */
async function callThrough(home: string, count: number): Promise<void> {
  const server = [process.execPath, catalogueServer, join(recorded.home.work, 'tools.json')];
  const wire = startWire(process.execPath, [countersign, 'wrap', '--name', 'things', '--', ...server], {
    ...recorded.home.env,
    COUNTERSIGN_HOME: home,
  });
  for (let i = 0; i < count; i += 1)
    await wire.request('tools/call', { name: 'look', arguments: { at: `${i}` } });
  await wire.end();
}

const cli = (...args: string[]): Promise<Finished> => countersignCli(recorded.home.env, ...args);

/** A copy that its ledger does not notice, as of a whole machine: here, by telling it that it is the original. */
function copyUnnoticed(home: string, copy: string): void {
  execFileSync('cp', ['-Rp', home, copy]);
  const ledger = join(copy, 'ledger.sqlite');
  const db = new DatabaseSync(ledger);
  db.prepare('UPDATE origin SET file_id = ?').run(fileIdentity(ledger));
  db.close();
}

describe('countersign witness', () => {
  it('prints its key, follows a home’s log by the key that trust prints, and serves', async () => {
    expect(parseVkey(vkey)).toMatchObject({ name: 'witness.example.org', type: 4 });
    expect((await cli('witness', 'key', witness)).stdout).toBe(`${vkey}\n`);
    expect(parseVkey(logVkey)?.type).toBe(1);
    expect(await cli('witness', 'log', 'add', witness, logVkey)).toMatchObject({ code: 0, stderr: '' });
    expect((await cli('witness', 'log', 'add', witness, logVkey)).stdout).toContain('already');
    serving = await serve();
    expect(await (await fetch(serving.url)).text()).toContain(vkey);
  });

  it('cosigns what a home’s log says, and its growth with the proof that the home gives', async () => {
    const { home } = recorded.home;
    const [key, logKey] = [parseVkey(vkey)!, parseVkey(logVkey)!];
    const copy = join(recorded.home.work, 'copy');
    const first = await headOf(home);
    expect(await submit(home, first)).toMatchObject({ status: 200 });
    copyUnnoticed(home, copy);
    await callThrough(home, 2);
    const head = await headOf(home);
    expect(head.size).toBeGreaterThan(first.size);
    const { status, text } = await submit(home, head);
    expect([status, text]).toEqual([200, text]);
    const cosigned = parseNote(head.note + text)!;
    expect(cosignatureTime(cosigned, key)).toBeGreaterThan(Date.now() / 1_000 - 600);
    expect(cosigned.signatures.map(({ name }) => name)).toEqual([logKey.name, key.name]);
    const { stdout } = await cli('witness', 'log', 'list', witness, '--json');
    expect(JSON.parse(stdout)).toMatchObject([{ origin: logKey.name, latest: { size: head.size } }]);
  });

  it('refuses a copied home that went its own way, and gives evidence that others can check', async () => {
    const copy = join(recorded.home.work, 'copy');
    const { size } = await headOf(recorded.home.home);
    await callThrough(copy, 2);
    let forked = await headOf(copy);
    while (forked.size < size) {
      await callThrough(copy, 1);
      forked = await headOf(copy);
    }
    expect([409, 422]).toContain((await submit(copy, forked)).status);
    expect(serving?.stderr()).toContain('FORK:');

    const listed = await cli('witness', 'forks', witness);
    expect(listed.stdout).toContain('FORKED');
    const evidence = join(recorded.home.work, 'forks.json');
    writeFileSync(evidence, (await cli('witness', 'forks', witness, '--json')).stdout);
    expect(JSON.parse(readFileSync(evidence, 'utf8'))).toMatchObject([{ refused: forked.note }]);
    expect(await cli('witness', 'check', evidence, logVkey)).toMatchObject({ code: 0, stderr: '' });
    // The witness's word is not needed, and not enough.
    expect(await cli('witness', 'check', evidence, vkey)).toMatchObject({ code: 1 });
    const altered = readFileSync(evidence, 'utf8').replaceAll(
      `\\n${forked.size}\\n`,
      `\\n${forked.size + 1}\\n`,
    );
    writeFileSync(evidence, altered);
    expect((await cli('witness', 'check', evidence, logVkey)).stdout).toContain('proves nothing');
  });

  it('killed and started again still knows what it cosigned; told to stop, it stops', async () => {
    const { home } = recorded.home;
    serving?.child.kill('SIGKILL');
    serving = await serve();
    const head = await headOf(home);
    expect((await post(`old 0\n\n${head.note}`)).text).toBe(`${head.size}\n`);
    expect(await submit(home, head)).toMatchObject({ status: 200 });
    expect([409, 422]).toContain(
      (await submit(join(recorded.home.work, 'copy'), await headOf(join(recorded.home.work, 'copy')))).status,
    );
    const ended = once(serving.child, 'exit');
    serving.child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect(serving.stderr()).toMatch(/^\S+Z 200 cosigned \S+ \d+→\d+$/m);
  });

  it.each([
    [['witness'], 2],
    [['witness', 'nonsense'], 2],
    [['witness', 'init', 'x'], 2],
    [['witness', 'init', 'x', '--name', 'a b'], 1],
    [['witness', 'serve', 'nowhere'], 1],
    [['witness', 'serve', 'nowhere', '--port', '70000'], 2],
    [['witness', 'log', 'add', 'nowhere'], 2],
    [['witness', 'log', 'list', 'nowhere', 'x'], 2],
    [['witness', 'check', 'nowhere.json', 'x+y+z'], 2],
  ])('says what is wrong with %j', async (args, code) => {
    expect(await cli(...args)).toMatchObject({ code, stdout: '' });
  });

  it('takes no witness’s key for a log’s', async () => {
    expect(await cli('witness', 'log', 'add', witness, vkey)).toMatchObject({ code: 1, stdout: '' });
  });
});
