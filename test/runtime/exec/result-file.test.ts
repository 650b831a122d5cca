import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { openResultFile } from '../../../src/runtime/exec/result-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-result-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let file: string;
let at = 0;
beforeEach(() => {
  mkdirSync(join(folder, String((at += 1))));
  file = join(folder, String(at), 'result.json');
});

describe('a file that says what came of a command', () => {
  it('appears whole, for its user alone', () => {
    const open = openResultFile(file);
    expect(existsSync(file)).toBe(false);
    open.write('{}\n');
    open.discard();
    expect(readFileSync(file, 'utf8')).toBe('{}\n');
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('is never that of an earlier run', () => {
    writeFileSync(file, 'of an earlier run');
    openResultFile(file).discard();
    expect(readdirSync(join(file, '..'))).toEqual([]);
  });

  it('is not written through a link, into a folder, or where nothing can be', () => {
    writeFileSync(`${file}.other`, 'kept');
    symlinkSync(`${file}.other`, file);
    for (const place of [file, folder, join(folder, 'absent', 'result.json')])
      expect(() => openResultFile(place)).toThrow(expect.objectContaining({ code: 'USAGE' }));
    expect(readFileSync(`${file}.other`, 'utf8')).toBe('kept');
  });
});
