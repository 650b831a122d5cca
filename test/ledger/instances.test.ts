import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimInstance, isAlive, sweepInstances } from '../../src/ledger/instances-node.ts';
import { removeDirectory, temporaryDirectory } from './temporary-directory.ts';

const script = fileURLToPath(new URL('instance-process.ts', import.meta.url));

describe('an instance', () => {
  let directory: string;
  const children: ChildProcess[] = [];
  beforeEach(() => {
    directory = temporaryDirectory();
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    removeDirectory(directory);
  });

  const claimElsewhere = async (): Promise<{ child: ChildProcess; id: string }> => {
    const child = spawn(process.execPath, [script, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    const [line] = await once(child.stdout, 'data');
    return { child, id: String(line).trim() };
  };

  it('is alive for as long as it is not released', () => {
    const instance = claimInstance(directory);
    expect(isAlive(directory, instance.id)).toBe(true);
    expect(instance.stillMine()).toBe(true);
    instance.release();
    instance.release();
    expect(isAlive(directory, instance.id)).toBe(false);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('in another process is alive while it runs and while it is stopped, and dead after `kill -9`', async () => {
    const { child, id } = await claimElsewhere();
    expect(isAlive(directory, id)).toBe(true);
    child.kill('SIGSTOP');
    expect(isAlive(directory, id)).toBe(true);
    expect(sweepInstances(directory)).toEqual([]);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(isAlive(directory, id)).toBe(false);
    expect(sweepInstances(directory)).toEqual([id]);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('keeps its lock when it asks about itself and about others', async () => {
    const instance = claimInstance(directory);
    for (let i = 0; i < 3; i++) {
      expect(isAlive(directory, instance.id)).toBe(true);
      expect(sweepInstances(directory)).toEqual([]);
    }
    expect((await claimElsewhere()).id).not.toBe(instance.id);
    expect(existsSync(join(directory, `${instance.id}.lock`))).toBe(true);
    instance.release();
  });

  it('whose file is gone, or is another one, knows that it was taken for dead', () => {
    const instance = claimInstance(directory);
    const path = join(directory, `${instance.id}.lock`);
    rmSync(path);
    expect(instance.stillMine()).toBe(false);
    writeFileSync(path, '');
    expect(instance.stillMine()).toBe(false);
    instance.release();
  });

  it('that nobody ever was is dead, and its name reaches no file elsewhere', () => {
    expect(isAlive(directory, '00000000-0000-4000-8000-000000000000')).toBe(false);
    expect(isAlive(join(directory, 'none'), '00000000-0000-4000-8000-000000000000')).toBe(false);
    expect(sweepInstances(join(directory, 'none'))).toEqual([]);
    expect(isAlive(join(directory, 'instances'), '../ledger')).toBe(false);
    writeFileSync(join(directory, 'notes.lock'), '');
    expect(sweepInstances(directory)).toEqual([]);
    expect(readdirSync(directory)).toEqual(['notes.lock']);
  });
});
