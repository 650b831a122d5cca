import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resolveServer } from '../../src/runtime/server-ref.ts';

let folder: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'countersign-server-')));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function resolved(args: readonly string[], cwd = folder) {
  return resolveServer('x', { command: process.execPath, args }, { cwd, path: undefined });
}

describe('the digest of a server', () => {
  it.each(['./data.db', '../here/data.db', 'ABSOLUTE', 'LINKED'])(
    'is the same before and after the server made its file: %s',
    (written) => {
      const here = join(folder, 'here');
      mkdirSync(here);
      symlinkSync(here, join(folder, 'linked'));
      const arg = written
        .replace('ABSOLUTE', join(here, 'data.db'))
        .replace('LINKED', join(folder, 'linked', 'data.db'));
      const before = resolved([arg], here);
      writeFileSync(join(here, 'data.db'), '');
      const after = resolved([arg], here);
      expect(after.resolved.args).toEqual([join(here, 'data.db')]);
      expect(after.ref.digest).toBe(before.ref.digest);
    },
  );

  it('is another one for the same words in another folder', () => {
    for (const name of ['one', 'two']) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'server.js'), '');
    }
    const [one, two] = ['one', 'two'].map((name) => resolved(['server.js'], join(folder, name)));
    expect(one?.ref.digest).not.toBe(two?.ref.digest);
  });

  it('does not depend on the folder where no word is a path', () => {
    const args = [
      '-y',
      '@modelcontextprotocol/server-memory@1.0.0',
      '--root=.',
      'https://example.com/mcp',
      '',
    ];
    mkdirSync(join(folder, 'other'));
    expect(resolved(args).resolved.args).toEqual(args);
    expect(resolved(args, join(folder, 'other')).ref).toEqual(resolved(args).ref);
  });

  it('is of the program that is started: no file of the folder stands for a name when there is no PATH', () => {
    writeFileSync(join(folder, 'server'), '#!/bin/sh\n', { mode: 0o755 });
    const where = { cwd: folder, path: undefined };
    expect(resolveServer('x', { command: 'server', args: [] }, where).resolved.command).toBe('server');
    const written = resolveServer('x', { command: './server', args: [] }, where);
    expect(written.resolved.command).toBe(join(folder, 'server'));
  });

  it('is of the path that was written, also of what cannot be executed yet', () => {
    writeFileSync(join(folder, 'plain'), '');
    const where = { cwd: folder, path: undefined };
    const commands = ['./plain', './absent'].map(
      (command) => resolveServer('x', { command, args: [] }, where).resolved.command,
    );
    expect(commands).toEqual([join(folder, 'plain'), join(folder, 'absent')]);
  });
});
