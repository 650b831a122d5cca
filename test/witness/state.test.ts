import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createWitness, openWitness, witnessIdentity } from '../../src/runtime/witness/witness.ts';
import { cosignatureTime, parseNote } from '../../src/tlog/note.ts';
import { parseVkey } from '../../src/tlog/vkey.ts';
import { watchedLog } from './watched-log.ts';

const script = fileURLToPath(new URL('witness-process.ts', import.meta.url));
const log = watchedLog();

let work: string;
let root: string;
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'countersign-witness-'));
  root = join(work, 'witness');
});
afterEach(() => rmSync(work, { recursive: true, force: true }));

/** The code that it throws. */
function codeOf(run: () => unknown): unknown {
  try {
    run();
    return 'none';
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
}

function opened<T>(use: (witness: ReturnType<typeof openWitness>) => T): T {
  const witness = openWitness(root);
  try {
    return use(witness);
  } finally {
    witness.close();
  }
}

describe('a new witness', () => {
  it('is private, knows its key again, and follows no log', () => {
    const { vkey } = createWitness(root, 'witness.example.org/w');
    expect(parseVkey(vkey)).toMatchObject({ name: 'witness.example.org/w', type: 4 });
    expect(witnessIdentity(root)).toEqual({ name: 'witness.example.org/w', vkey });
    expect(opened(({ books }) => books.logs())).toEqual([]);
    expect(statSync(root).mode & 0o777).toBe(0o700);
    for (const file of readdirSync(root))
      expect([file, statSync(join(root, file)).mode & 0o777]).toEqual([file, 0o600]);
    expect(readdirSync(work)).toEqual(['witness']);
  });

  it('is never made over anything', () => {
    const { vkey } = createWitness(root, 'w');
    expect(codeOf(() => createWitness(root, 'other'))).toBe('HOME_EXISTS');
    expect(witnessIdentity(root).vkey).toBe(vkey);
    mkdirSync(join(work, 'full'));
    writeFileSync(join(work, 'full', 'mine'), '');
    writeFileSync(join(work, 'file'), '');
    for (const place of ['full', 'file'])
      expect(codeOf(() => createWitness(join(work, place), 'w'))).toBe('HOME_INVALID');
    mkdirSync(join(work, 'empty'));
    createWitness(join(work, 'empty'), 'w');
  });

  it('has a name that a key can have, or is not made', () => {
    for (const name of ['', 'a b', 'a+b', 'a\tb', 'a\u2003b'])
      expect([name, codeOf(() => createWitness(root, name))]).toEqual([name, 'CONFIG_INVALID']);
    expect(readdirSync(work)).toEqual([]);
  });
});

describe('a witness is not used', () => {
  beforeEach(() => createWitness(root, 'w'));

  it('where there is none', () => {
    expect(codeOf(() => openWitness(join(work, 'nowhere')))).toBe('HOME_MISSING');
  });

  it('when others can read its key', () => {
    chmodSync(join(root, 'witness.key.pem'), 0o640);
    expect(codeOf(() => openWitness(root))).toBe('HOME_INVALID');
    chmodSync(join(root, 'witness.key.pem'), 0o600);
    chmodSync(root, 0o750);
    expect(codeOf(() => openWitness(root))).toBe('HOME_INVALID');
  });

  it('without its state: a key that has cosigned does not begin again', () => {
    rmSync(join(root, 'state.sqlite'));
    expect(codeOf(() => openWitness(root))).toBe('WITNESS_STATE_UNUSABLE');
    expect(readdirSync(root)).not.toContain('state.sqlite');
    writeFileSync(join(root, 'state.sqlite'), '');
    expect(codeOf(() => openWitness(root))).toBe('WITNESS_STATE_UNUSABLE');
    writeFileSync(join(root, 'state.sqlite'), 'no database at all, but long enough to have a header of one');
    expect(codeOf(() => openWitness(root))).toBe('WITNESS_STATE_UNUSABLE');
  });

  it('with another key, or another witness’s state', () => {
    createWitness(join(work, 'other'), 'w');
    const key = join(root, 'witness.key.pem');
    const own = readFileSync(key);
    copyFileSync(join(work, 'other', 'witness.key.pem'), key);
    expect(codeOf(() => openWitness(root))).toBe('WITNESS_STATE_UNUSABLE');
    writeFileSync(key, own);
    renameSync(join(work, 'other', 'state.sqlite'), join(root, 'state.sqlite'));
    expect(codeOf(() => openWitness(root))).toBe('WITNESS_STATE_UNUSABLE');
  });

  it('when it is a copy, or its state came out of a backup; it may be moved', () => {
    const copy = join(work, 'copy');
    cpSync(root, copy, { recursive: true });
    chmodSync(copy, 0o700);
    expect(codeOf(() => openWitness(copy))).toBe('WITNESS_COPIED');
    const moved = join(work, 'moved');
    renameSync(root, moved);
    openWitness(moved).close();
    rmSync(join(moved, 'state.sqlite'));
    copyFileSync(join(copy, 'state.sqlite'), join(moved, 'state.sqlite'));
    expect(codeOf(() => openWitness(moved))).toBe('WITNESS_COPIED');
  });
});

interface Said {
  readonly status: number;
  readonly text: string;
}

/** A witness in another process. */
interface WitnessProcess {
  ask(request: string): Promise<Said>;
  send(request: string): void;
  /** What it said before it was killed. */
  kill(): Promise<readonly Said[]>;
}

describe('several processes of one witness', () => {
  const children: ChildProcess[] = [];
  let vkey: string;
  beforeEach(() => {
    vkey = createWitness(root, 'witness.example.org/w').vkey;
    opened(({ books }) => books.addKey(log.origin, log.key.key));
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  function start(): WitnessProcess {
    const child = spawn(process.execPath, [script, root], { stdio: ['pipe', 'pipe', 'inherit'] });
    children.push(child);
    child.stdin.on('error', () => undefined);
    const said: Said[] = [];
    const waiting: ((line: Said) => void)[] = [];
    const ended = (async () => {
      for await (const line of createInterface({ input: child.stdout })) {
        said.push(JSON.parse(line));
        waiting.shift()?.(said.at(-1)!);
      }
    })();
    const send = (request: string): void => void child.stdin.write(`${JSON.stringify(request)}\n`);
    return {
      send,
      ask(request) {
        send(request);
        return new Promise((resolve) => waiting.push(resolve));
      },
      async kill() {
        child.kill('SIGKILL');
        await ended;
        return said;
      },
    };
  }

  const latestSize = () => opened(({ books }) => books.logs()[0]?.latest?.size ?? 0);
  const isCosigned = ({ status, text }: Said, checkpoint: string): boolean => {
    const [note, key] = [parseNote(checkpoint + text), parseVkey(vkey)];
    return (
      status === 200 && note !== undefined && key !== undefined && cosignatureTime(note, key) !== undefined
    );
  };

  it('killed at any moment have recorded whatever they said', async () => {
    let size = 0;
    for (const asked of [1, 2, 3, 5, 8]) {
      const witness = start();
      // Some are answered, and it dies over the others.
      for (let i = 0; i < asked; i += 1) witness.send(log.request(size + i, size + i + 1));
      const next = log.request(size + asked, size + asked + 1);
      const first = await witness.ask(next);
      expect(first.status).toBe(200);
      for (let i = 0; i < 20; i += 1) witness.send(log.request(size + asked + 1 + i, size + asked + 2 + i));
      const said = await witness.kill();
      const cosigned = said.filter(({ status }) => status === 200).length;
      const recorded = latestSize();
      expect(recorded).toBeGreaterThanOrEqual(size + cosigned);
      // What was recorded and not said is said when it is asked for again.
      const again = start();
      expect(isCosigned(await again.ask(log.request(recorded, recorded)), log.checkpoint(recorded))).toBe(
        true,
      );
      expect((await again.ask(log.fork(0).request(recorded, recorded))).status).toBe(409);
      await again.kill();
      size = recorded;
    }
  });

  it('that race with two histories cosign one of them', async () => {
    const [one, two] = [start(), start()];
    const fork = log.fork(0);
    let [mine, other] = [log, fork];
    let size = 0;
    for (let round = 0; round < 20; round += 1) {
      const next = size + 1 + (round % 3);
      const said = await Promise.all([one.ask(mine.request(size, next)), two.ask(other.request(size, next))]);
      const cosigned = [mine, other].filter((each, i) => isCosigned(said[i]!, each.checkpoint(next)));
      // In the first round either may win; ever after only the winner's history goes on.
      expect(cosigned).toHaveLength(1);
      if (round === 0 && cosigned[0] !== mine) [mine, other] = [other, mine];
      expect(cosigned[0]).toBe(mine);
      size = next;
    }
    expect(latestSize()).toBe(size);
    expect(opened(({ books }) => books.forks()).map(({ kind }) => kind)).toContain('same-size');
  });

  it('see at once which logs are followed', async () => {
    const witness = start();
    expect((await witness.ask(log.request(0, 3))).status).toBe(200);
    opened(({ books }) => books.removeKey(log.origin, log.key.key));
    expect((await witness.ask(log.request(3, 4))).status).toBe(404);
  });
});
