import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { promptsIn, type Prompts } from '../../../src/runtime/hook/prompts.ts';

let work: string;
let folder: string;
let prompts: Prompts;
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'prompts-'));
  folder = join(work, 'hooks');
  prompts = promptsIn(folder, 'claude-code');
});
afterEach(() => rmSync(work, { recursive: true, force: true }));

const files = (): readonly string[] => readdirSync(folder).map((name) => join(folder, name));
const fileOf = (): string => files()[0] ?? '';
const daysAgo = (days: number): Date => new Date(Date.now() - days * 86_400_000);

describe('what cannot be believed is no request', () => {
  it.each<[string, (file: string) => void]>([
    ['a file that others may write', (file) => chmodSync(file, 0o620)],
    ['a file that others may read', (file) => chmodSync(file, 0o604)],
    [
      'a link to another file',
      (file) => {
        writeFileSync(join(work, 'other'), 'forged', { mode: 0o600 });
        rmSync(file);
        symlinkSync(join(work, 'other'), file);
      },
    ],
    ['one that is no text', (file) => writeFileSync(file, Buffer.from([0x61, 0xff]))],
    ['one that is longer than any that we write', (file) => writeFileSync(file, 'a'.repeat(200_000))],
    ['one of the day before yesterday', (file) => utimesSync(file, daysAgo(2), daysAgo(2))],
    ['one of the day after tomorrow', (file) => utimesSync(file, daysAgo(-2), daysAgo(-2))],
    ['one that is gone', (file) => rmSync(file)],
  ])('%s', (_, spoil) => {
    prompts.keep('s1', 'write a note');
    expect(prompts.of('s1')).toBe('write a note');
    spoil(fileOf());
    expect(prompts.of('s1')).toBeUndefined();
  });

  it('what was asked before, once something else was asked that cannot be kept', () => {
    prompts.keep('s1', 'write a note');
    prompts.keep('s1', undefined);
    expect(prompts.of('s1')).toBeUndefined();
    prompts.keep('s1', 'write a note');
    prompts.keep('s1', 'x'.repeat(100_000));
    expect(prompts.of('s1')).toBeUndefined();
  });

  it('anything of another session, or of another host', () => {
    prompts.keep('s1', 'write a note');
    expect(prompts.of('s2')).toBeUndefined();
    expect(promptsIn(folder, 'codex').of('s1')).toBeUndefined();
  });

  it('anything where the folder cannot be made, and nothing throws', () => {
    writeFileSync(folder, '');
    prompts.keep('s1', 'write a note');
    expect(prompts.of('s1')).toBeUndefined();
    prompts.forget('s1');
  });
});

describe('what a person asks is kept', () => {
  it('for this user alone, under a name that tells nothing', () => {
    prompts.keep('../../etc/session', 'write a note');
    expect(files()).toHaveLength(1);
    expect(fileOf()).toMatch(/\/[0-9a-f]{32}\.prompt$/);
    expect(statSync(fileOf()).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(prompts.of('../../etc/session')).toBe('write a note');
  });

  it('until the next one of that session, and until its end', () => {
    prompts.keep('s1', 'write a note');
    prompts.keep('s2', 'write another');
    prompts.keep('s1', 'Grüße, 日本 \u{1f600}');
    expect([prompts.of('s1'), prompts.of('s2')]).toEqual(['Grüße, 日本 \u{1f600}', 'write another']);
    prompts.forget('s1');
    expect(prompts.of('s1')).toBeUndefined();
    expect(files()).toHaveLength(1);
  });

  it('as long as a gate takes it', () => {
    prompts.keep('s1', '日 '.repeat(40_000));
    expect(prompts.of('s1')?.length).toBe(65_535);
  });

  it('for a day at most, whatever session comes next', () => {
    prompts.keep('s1', 'write a note');
    const left = fileOf();
    utimesSync(left, daysAgo(2), daysAgo(2));
    const unfinished = `${left}.4711`;
    writeFileSync(unfinished, 'wri', { mode: 0o600 });
    utimesSync(unfinished, daysAgo(2), daysAgo(2));
    prompts.keep('s2', 'write another');
    expect([existsSync(left), existsSync(unfinished), files().length]).toEqual([false, false, 1]);
  });
});
