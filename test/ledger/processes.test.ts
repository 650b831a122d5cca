import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sweepInstances } from '../../src/ledger/instances-node.ts';
import { openReleasedCheckpoints } from '../../src/ledger/released-checkpoint-node.ts';
import type { LogEntry } from '../../src/ledger/ledger.ts';
import { leafHash } from '../../src/tlog/merkle.ts';
import { appendLeaves, emptyEdge, rootOf } from '../../src/tlog/tree.ts';
import { draftOf } from './drafts.ts';
import { expectProof } from './proofs.ts';
import { makeSqliteLog } from './sqlite-log.ts';
import type { SqliteLog } from './sqlite-log.ts';
import { removeDirectory, temporaryDirectory } from './temporary-directory.ts';
import type { Released, WriterJob } from './writer-process.ts';

const script = fileURLToPath(new URL('writer-process.ts', import.meta.url));

describe('several processes on one ledger', () => {
  let directory: string;
  let made: SqliteLog;
  const children: ChildProcess[] = [];
  beforeEach(() => {
    directory = temporaryDirectory();
    made = makeSqliteLog(directory);
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    removeDirectory(directory);
  });

  const instances = (): string => join(directory, 'instances');
  const released = (): string => join(directory, 'released');

  /** What a writer released until it ended, or was killed after so many proofs. */
  const write = async (count: number, inFlight: number, killAfter = Infinity): Promise<Released[]> => {
    const { origin, pkcs8 } = made.log;
    const job: WriterJob = {
      path: made.path,
      instances: instances(),
      released: released(),
      origin,
      pkcs8,
      count,
      inFlight,
    };
    const child = spawn(process.execPath, [script, JSON.stringify(job)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    const ended = once(child, 'exit');
    const seen: Released[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      seen.push(JSON.parse(line));
      if (seen.length === killAfter) child.kill('SIGKILL');
    }
    expect(await ended).toEqual(killAfter < Infinity ? [null, 'SIGKILL'] : [0, null]);
    return seen;
  };

  /** Everything that was released is in the log where it was promised, and heads a prefix of this one history. */
  const audit = async (seen: readonly Released[]): Promise<readonly LogEntry[]> => {
    const { ledger } = await made.open({
      released: openReleasedCheckpoints({ directory: released(), instance: 'auditor', isAlive: () => true }),
    });
    const size = (await ledger.checkpoint())?.size ?? 0;
    const entries: LogEntry[] = [];
    while (entries.length < size) entries.push(...(await ledger.entries(entries.length, size)));
    const hashes = entries.map(({ leaf }) => leafHash(leaf));
    for (const { leaf, logIndex, treeSize, root } of seen) {
      expect(Buffer.from(entries[logIndex]?.leaf ?? []).toString('hex')).toBe(leaf);
      expect(
        Buffer.from(rootOf(appendLeaves(emptyEdge, hashes.slice(0, treeSize)).edge)).toString('hex'),
      ).toBe(root);
    }
    for (const index of [0, Math.floor(size / 2), size - 1])
      expectProof(await ledger.prove(index), entries[index]?.leaf ?? new Uint8Array(), made.log);
    await ledger.close();
    return entries;
  };

  it('neither fork it nor lose an entry: four writers at once', async () => {
    const seen = await Promise.all([write(60, 1), write(60, 4), write(60, 4), write(60, 16)]);
    expect(seen.map((lines) => lines.length)).toEqual([60, 60, 60, 60]);
    expect((await audit(seen.flat())).length).toBe(240);
    expect(readdirSync(instances())).toEqual([]);
  });

  it('leave a log that is whole and goes on, wherever `kill -9` hits them', async () => {
    const seen: Released[] = [];
    for (const killAfter of [1, 7, 23]) {
      const lines = await Promise.all([write(100_000, 8, killAfter), write(100_000, 1, killAfter)]);
      seen.push(...lines.flat());
      const entries = await audit(seen);
      expect(entries.length).toBeGreaterThanOrEqual(seen.length);
    }
    expect(sweepInstances(instances()).length).toBe(6);
    // The next instance takes over what the dead ones remembered, and is alone again.
    const last = openReleasedCheckpoints({ directory: released(), instance: 'last', isAlive: () => false });
    const { ledger } = await made.open({ released: last });
    expect((await last.load()).length).toBeGreaterThan(0);
    await ledger.append(draftOf({ time: Date.now() }));
    expect(readdirSync(released())).toEqual(['last.released']);
    await ledger.close();
    last.close();
  });
});
