import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { watchFiles, type FileWatch } from '../../../src/runtime/serve/watch.ts';

const settle = 60;
let folder: string;
let watching: FileWatch | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-watch-'));
});
afterEach(() => {
  watching?.close();
  rmSync(folder, { recursive: true, force: true });
});

const pause = (ms = 5 * settle): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Watches, and has the first look behind it. */
async function watched(...files: readonly string[]) {
  let changes = 0;
  watching = watchFiles({ files, onChange: () => void (changes += 1), settle });
  await pause();
  const first = changes;
  return { first, changes: () => changes - first, watch: watching };
}

describe('files that are watched', () => {
  it('are looked at once at the beginning: they may be others by now than those that were read', async () => {
    const file = join(folder, 'a.yaml');
    writeFileSync(file, 'one');
    expect((await watched(file)).first).toBe(1);
  });

  it('are noticed when they are written, replaced by rename, or made again', async () => {
    const file = join(folder, 'a.yaml');
    writeFileSync(file, 'one');
    const { changes } = await watched(file);
    writeFileSync(file, 'two');
    await pause();
    expect(changes()).toBe(1);
    // As vim, sed -i and most editors save.
    writeFileSync(`${file}.swp`, 'three');
    renameSync(`${file}.swp`, file);
    await pause();
    expect(changes()).toBe(2);
    writeFileSync(file, 'four');
    await pause();
    expect(changes()).toBe(3);
    rmSync(file);
    await pause();
    writeFileSync(file, 'five');
    await pause();
    expect(changes()).toBe(5);
  });

  it('are told of once for what is written piece by piece, and not at all for what was there', async () => {
    const file = join(folder, 'a.yaml');
    writeFileSync(file, 'one');
    const { changes } = await watched(file);
    for (const text of ['', 't', 'tw', 'two']) {
      writeFileSync(file, text);
      await pause(settle / 4);
    }
    await pause();
    expect(changes()).toBe(1);
    writeFileSync(file, '');
    writeFileSync(file, 'two');
    await pause();
    expect(changes()).toBe(1);
  });

  it('are followed through the links that a mounted configuration is made of', async () => {
    for (const version of ['..1', '..2']) {
      mkdirSync(join(folder, version));
      writeFileSync(join(folder, version, 'a.yaml'), version);
    }
    symlinkSync('..1', join(folder, '..data'));
    symlinkSync('..data/a.yaml', join(folder, 'a.yaml'));
    const { changes } = await watched(join(folder, 'a.yaml'));
    symlinkSync('..2', join(folder, '..data_tmp'));
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
    await pause();
    expect(changes()).toBe(1);
    writeFileSync(join(folder, '..2', 'a.yaml'), 'again');
    await pause();
    expect(changes()).toBe(2);
  });

  it('may become others, and the former ones are nobody’s business then', async () => {
    const [a, b] = [join(folder, 'a.yaml'), join(folder, 'b.yaml')];
    writeFileSync(a, 'one');
    writeFileSync(b, 'one');
    const { changes, watch } = await watched(a);
    watch.follow([b]);
    await pause();
    const before = changes();
    writeFileSync(a, 'two');
    await pause();
    expect(changes()).toBe(before);
    writeFileSync(b, 'two');
    await pause();
    expect(changes()).toBe(before + 1);
    watch.close();
    writeFileSync(b, 'three');
    await pause();
    expect(changes()).toBe(before + 1);
  });
});
