import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { allowOf, draftOf, outcomeOf, randomCallId } from './drafts.ts';
import { refusalOf } from './settled.ts';
import { makeSqliteLog } from './sqlite-log.ts';
import { removeDirectory, temporaryDirectory } from './temporary-directory.ts';

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) removeDirectory(directory);
});

function newDirectory(): string {
  const directory = temporaryDirectory();
  directories.push(directory);
  return directory;
}

const marker = 'ERASE-ME-7c1f';
const salt = new TextEncoder().encode('SALT-ME-16-bytes');

/** In which files of the ledger the text stands. */
function filesWith(directory: string, text: string): string[] {
  return readdirSync(directory).filter((name) => readFileSync(join(directory, name)).includes(text));
}

/** Calls whose values fill cells, pages and overflow pages, so that rows were moved between pages too. */
async function fill(ledger: Ledger, calls: number): Promise<string[]> {
  const ids = Array.from({ length: calls }, randomCallId);
  for (const [i, callId] of ids.entries()) {
    const value = new TextEncoder().encode(`${marker} `.repeat(1 + ((i * 37) % 400)));
    await ledger.append(
      allowOf(callId, {
        side: [
          { name: 'action', salt, value },
          { name: 'arguments/path', salt },
        ],
      }),
    );
    await ledger.append(outcomeOf(callId, { side: [{ name: 'result/raw', salt, value }] }));
  }
  return ids;
}

describe('what was erased from an SQLite ledger', () => {
  it('is in no byte of the file and its WAL', async () => {
    const directory = newDirectory();
    const { ledger } = await makeSqliteLog(directory).open({ checkpointAfter: 64 * 1_024 });
    const ids = await fill(ledger, 60);
    expect(filesWith(directory, marker)).not.toEqual([]);
    await ledger.append(draftOf({ erases: ids }));
    await ledger.scrub();
    expect(filesWith(directory, marker)).toEqual([]);
    expect(filesWith(directory, 'SALT-ME')).toEqual([]);
    await ledger.close();
    expect(filesWith(directory, marker)).toEqual([]);
  });

  it('is gone while other rows stay, and a second process writes', async () => {
    const directory = newDirectory();
    const log = makeSqliteLog(directory);
    const [{ ledger: first }, { ledger: second }] = [await log.open(), await log.open()];
    const gone = await fill(first, 20);
    const other = randomCallId();
    const value = new TextEncoder().encode('KEEP-ME '.repeat(2_000));
    await second.append(allowOf(other, { side: [{ name: 'action', salt, value }] }));
    await first.append(draftOf({ erases: gone }));
    await second.append(draftOf());
    await first.scrub();
    expect(filesWith(directory, marker)).toEqual([]);
    expect((await second.side(other))[0]?.value).toEqual(value);
    await first.close();
    await second.close();
  });

  it('is told to be in the files still, while a reader holds the WAL', async () => {
    const directory = newDirectory();
    const log = makeSqliteLog(directory);
    const { ledger } = await log.open({ lockTimeout: 50 });
    const [callId = ''] = await fill(ledger, 1);
    const reader = new DatabaseSync(log.path);
    reader.exec('BEGIN; SELECT count(*) FROM side');
    await ledger.append(draftOf({ erases: [callId] }));
    expect(await refusalOf(ledger.scrub())).toBe('LEDGER_LOCKED');
    reader.exec('COMMIT');
    await ledger.scrub();
    expect(filesWith(directory, marker)).toEqual([]);
    reader.close();
    await ledger.close();
  });
});
