import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ownProgram } from '../../src/cli/own-program.ts';

const started = process.argv[1] ?? '';
let folder: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'countersign-program-')));
});
afterEach(() => {
  process.argv[1] = started;
  rmSync(folder, { recursive: true, force: true });
});

/** Has this process look like one that was started from a file, and gives the file. */
function startedFrom(...parts: string[]): string {
  const file = join(folder, ...parts);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, '');
  process.argv[1] = file;
  return file;
}

describe('the program that a configuration starts again', () => {
  it.each([
    ['npx’s copy, which does not stay', ['_npx', '0a1b', 'node_modules', 'countersign.js']],
    ['a program that only contains this one', ['other.js']],
  ])('is refused for %s', (_, parts) => {
    startedFrom(...parts);
    expect(() => ownProgram('install it')).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });

  it('is the file itself, and not the link that it was started by', () => {
    const file = startedFrom('lib', 'countersign.js');
    const link = join(folder, 'countersign');
    symlinkSync(file, link);
    process.argv[1] = link;
    expect(ownProgram('install it')).toBe(file);
  });
});
