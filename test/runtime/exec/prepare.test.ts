import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { hex, sha256, utf8 } from '../../../src/call/sha256.ts';
import { prepareCommand, type ExecRequest } from '../../../src/runtime/exec/prepare.ts';
import { readStdin } from '../../../src/runtime/exec/read-stdin.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'countersign-prepare-')));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function program(...parts: string[]): string {
  const file = join(folder, ...parts);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, '#!/bin/sh\n');
  chmodSync(file, 0o755);
  return file;
}

const [first, second] = [program('first', 'tool'), program('second', 'tool')];
mkdirSync(join(folder, 'work'));
symlinkSync(join(folder, 'work'), join(folder, 'link'));
symlinkSync(first, join(folder, 'work', 'alias'));
writeFileSync(join(folder, 'work', 'plain'), '');

const path = [join(folder, 'first'), join(folder, 'second')].join(':');
const none = {
  input: Readable.from([]),
  stderr: { write: () => undefined },
  signal: new AbortController().signal,
};

function prepare(
  words: readonly string[],
  changes: Partial<ExecRequest> = {},
  env: Record<string, string> = { PATH: path },
) {
  const request = { as: undefined, shell: false, env: [], secret: [], stdin: 'none', ...changes } as const;
  return prepareCommand({ ...request, words }, { env, cwd: join(folder, 'link') }, none);
}

describe('what a command is decided on', () => {
  it('is the file that its name stands for, found once, and the folder itself', async () => {
    const { given, server, tool } = await prepare(['tool', 'a']);
    expect(given).toMatchObject({ command: first, argv: ['tool', 'a'], cwd: join(folder, 'work') });
    expect([server.name, tool]).toEqual(['tool', 'exec']);
  });

  it('is the file that a link leads to, under the name that it was called by', async () => {
    const { given, server } = await prepare(['./alias']);
    expect(given).toMatchObject({ command: first, argv: ['./alias'] });
    expect(server.name).toBe('alias');
  });

  it('is another server with another file, whatever it is called', async () => {
    const as = 'deploy';
    const [one, same, other] = await Promise.all([
      prepare(['tool'], { as }),
      prepare([first, '--force'], { as }),
      prepare(['tool'], { as, env: [`PATH=${join(folder, 'second')}`] }),
    ]);
    expect(one.server).toEqual(same.server);
    expect(other.given).toMatchObject({ command: second });
    expect(other.server.digest).not.toBe(one.server.digest);
    expect(other.definition).not.toEqual(one.definition);
    expect(one.server.digest).toBe(hex(sha256(utf8(JSON.stringify({ command: first, kind: 'command' })))));
  });

  it('is a script for the shell only where that was asked for', async () => {
    const { given, server, tool } = await prepare(['echo "$1"', 'x'], { shell: true });
    expect([server.name, tool]).toEqual(['sh', 'shell']);
    expect(given).toMatchObject({ shell: realpathSync('/bin/sh'), script: 'echo "$1"', args: ['x'] });
    expect(given).not.toHaveProperty('command');
  });

  it('has the very bytes that policy reads', async () => {
    const { payload, given } = await prepare(['tool'], { env: ['__proto__=x', 'Ü=ü'] });
    expect(JSON.parse(new TextDecoder().decode(payload.bytes))).toEqual(JSON.parse(JSON.stringify(given)));
    expect(payload.value).toMatchObject({ command: first });
  });

  it.each([
    [127, 'is not there', ['absent']],
    [127, 'is a path to nothing', ['./absent']],
    [126, 'is no program', ['./plain']],
    [126, 'is a folder', ['/']],
  ])('ends with %i when the command %s', async (exitCode, _, words) => {
    await expect(prepare(words)).rejects.toMatchObject({ code: 'COMMAND_NOT_STARTED', exitCode });
  });

  it('does not look into the working directory when there is no PATH', async () => {
    copyFileSync(first, join(folder, 'work', 'near'));
    await expect(prepare(['near'], {}, {})).rejects.toMatchObject({ exitCode: 127 });
  });

  it.each([
    ['USAGE', 'a NUL', ['tool', 'a\0'], {}],
    ['USAGE', 'a command without a name', [''], {}],
    ['ARGUMENTS_AMBIGUOUS', 'variables that differ in case alone', ['tool'], { env: ['a=1', 'A=2'] }],
    ['ARGUMENTS_AMBIGUOUS', 'half a character', ['tool', '\ud800'], {}],
  ])('is refused with %s for %s', async (code, _, words, changes) => {
    await expect(prepare(words, changes)).rejects.toMatchObject({ code });
  });
});

describe('the standard input', () => {
  const said: string[] = [];
  const given = (
    input: NodeJS.ReadableStream & { isTTY?: boolean },
    mode?: 'none' | 'read' | 'terminal',
    signal = none.signal,
  ) => readStdin({ mode, input, stderr: { write: (text: string) => said.push(text) }, signal });

  it('is read to its end, and told by its digest', async () => {
    const { stdin, bytes } = await given(Readable.from([Buffer.from('ab'), Buffer.from('c')]));
    expect(stdin).toEqual({ kind: 'bytes', bytes: 3, sha256: hex(sha256(utf8('abc'))) });
    expect(bytes).toEqual(utf8('abc'));
  });

  it('is none where nothing comes, at a terminal, and where it was not wanted', async () => {
    const terminal = Object.assign(new Readable({ read: () => undefined }), { isTTY: true });
    const endless = new Readable({ read: () => undefined });
    for (const one of [given(Readable.from([])), given(terminal), given(endless, 'none')])
      expect((await one).stdin).toEqual({ kind: 'none' });
    expect((await given(terminal, 'terminal')).stdin).toEqual({ kind: 'terminal' });
  });

  it('is not called a terminal’s when it comes from elsewhere: it would not be decided on', async () => {
    await expect(given(Readable.from(['x']), 'terminal')).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('is refused when it is longer than is kept', async () => {
    const chunk = Buffer.alloc(1 << 20);
    await expect(given(Readable.from(Array.from({ length: 65 }, () => chunk)))).rejects.toMatchObject({
      code: 'TOO_LARGE',
    });
  });

  it('says what it waits for, and can be cancelled', async () => {
    const stop = new AbortController();
    const reading = given(new Readable({ read: () => undefined }), 'read', stop.signal);
    await expect.poll(() => said.join('')).toContain('--stdin none');
    stop.abort();
    await expect(reading).rejects.toMatchObject({ code: 'CALLER_CANCELLED' });
  });
});
