import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { localGateSocket } from '../../../src/runtime/hook/local-gate.ts';
import { maxSocketPathBytes } from '../../../src/runtime/serve/unix-socket.ts';
import { watchForQuiet } from '../../../src/runtime/serve/watch-for-quiet.ts';

let folder: string;
beforeEach(() => (folder = realpathSync(mkdtempSync(join(tmpdir(), 'gate-')))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function homeAt(...parts: string[]): string {
  const home = join(folder, ...parts);
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'home.json'), '{}');
  return home;
}

describe('where a home’s own gate listens', () => {
  it('is in the home, and elsewhere only where the system takes no path so long', () => {
    const home = homeAt('home');
    expect(localGateSocket(home)).toBe(join(home, 'run', 'gate.sock'));
    const long = homeAt('a'.repeat(100), 'home');
    const short = localGateSocket(long);
    expect(Buffer.byteLength(short)).toBeLessThanOrEqual(maxSocketPathBytes);
    expect(localGateSocket(long)).toBe(short);
    expect(localGateSocket(homeAt('b'.repeat(100), 'home'))).not.toBe(short);
  });

  it('is nowhere without a home', () => {
    expect(() => localGateSocket(join(folder, 'none'))).toThrow(
      expect.objectContaining({ code: 'HOME_MISSING' }),
    );
  });
});

describe('a gate that ends by itself', () => {
  const started = (more: Partial<Parameters<typeof watchForQuiet>[0]> = {}) => {
    const { promise, resolve } = Promise.withResolvers<number>();
    const began = performance.now();
    const quiet = watchForQuiet({
      after: 60,
      isBusy: () => false,
      settled: () => Promise.resolve(),
      onQuiet: () => resolve(performance.now() - began),
      ...more,
    });
    return { quiet, ended: promise };
  };
  // What it waits with keeps no process alive: this does.
  let alive: NodeJS.Timeout;
  beforeEach(() => (alive = setInterval(() => undefined, 10)));
  afterEach(() => clearInterval(alive));

  it('does so after a while without a question', async () => {
    expect(await started().ended).toBeGreaterThanOrEqual(55);
  });

  it('waits for a while anew after each question', async () => {
    const { quiet, ended } = started();
    setTimeout(() => quiet.asked(), 50);
    expect(await ended).toBeGreaterThanOrEqual(105);
  });

  it('waits while somebody waits for an answer, or has an outcome to report', async () => {
    let isBusy = true;
    setTimeout(() => (isBusy = false), 100);
    expect(await started({ isBusy: () => isBusy }).ended).toBeGreaterThanOrEqual(100);
    const settled = new Promise<void>((resolve) => setTimeout(resolve, 150));
    expect(await started({ settled: () => settled }).ended).toBeGreaterThanOrEqual(145);
  });
});
