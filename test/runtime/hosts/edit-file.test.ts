import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applyEdit, planEdit } from '../../../src/runtime/hosts/edit-file.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'edit-file-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('editing a host’s file', () => {
  it('writes nothing before it is applied, then keeps the former content and the mode beside it', () => {
    const path = join(folder, 'settings.json');
    writeFileSync(path, 'a\n');
    chmodSync(path, 0o640);
    const plan = planEdit(path, (text) => `${text}b\n`);
    expect(readFileSync(path, 'utf8')).toBe('a\n');
    const { backup } = applyEdit(plan);
    expect(readFileSync(path, 'utf8')).toBe('a\nb\n');
    expect(backup).toBe(`${path}.bak`);
    expect(readFileSync(`${path}.bak`, 'utf8')).toBe('a\n');
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(statSync(`${path}.bak`).mode & 0o777).toBe(0o640);
    expect(readdirSync(folder).sort()).toEqual(['settings.json', 'settings.json.bak']);
  });

  it('never writes over an earlier backup', () => {
    const path = join(folder, 'settings.json');
    writeFileSync(path, '1');
    applyEdit(planEdit(path, () => '2'));
    expect(applyEdit(planEdit(path, () => '3')).backup).toBe(`${path}.bak-2`);
    expect(readFileSync(`${path}.bak`, 'utf8')).toBe('1');
  });

  it('makes a file that was not there, for this user alone, with the folders on the way', () => {
    const path = join(folder, 'a', 'b', 'settings.json');
    const plan = planEdit(path, (text) => (expect(text).toBe(''), '{}\n'));
    expect(applyEdit(plan)).toEqual({ backup: undefined });
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('leaves a file alone that changes nothing', () => {
    const path = join(folder, 'settings.json');
    writeFileSync(path, 'same');
    const plan = planEdit(path, (text) => text);
    expect(plan.diff).toBe('');
    expect(applyEdit(plan)).toEqual({ backup: undefined });
    expect(readdirSync(folder)).toEqual(['settings.json']);
  });

  it('refuses a file that has changed since, or has come to be', () => {
    const path = join(folder, 'settings.json');
    const fresh = planEdit(path, () => 'ours');
    writeFileSync(path, '1');
    const plan = planEdit(path, () => '2');
    writeFileSync(path, 'theirs');
    for (const each of [fresh, plan])
      expect(() => applyEdit(each)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(readFileSync(path, 'utf8')).toBe('theirs');
  });

  it('keeps a link a link, and replaces what it leads to', () => {
    const target = join(folder, 'dotfiles.json');
    const path = join(folder, 'settings.json');
    writeFileSync(target, '1');
    symlinkSync(target, path);
    applyEdit(planEdit(path, () => '2'));
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
    expect(readFileSync(target, 'utf8')).toBe('2');
  });

  it('keeps a byte order mark, which the editing does not see', () => {
    const path = join(folder, 'settings.json');
    writeFileSync(path, '\u{feff}{}');
    applyEdit(planEdit(path, (text) => (expect(text).toBe('{}'), '{"a":1}')));
    expect(readFileSync(path, 'utf8')).toBe('\u{feff}{"a":1}');
  });

  it('refuses what is no UTF-8, and what is no file', () => {
    const path = join(folder, 'settings.json');
    writeFileSync(path, Uint8Array.of(0x7b, 0xff, 0x7d));
    for (const each of [path, folder])
      expect(() => planEdit(each, (text) => text)).toThrow(
        expect.objectContaining({ code: 'CONFIG_INVALID' }),
      );
  });
});
