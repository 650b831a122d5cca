import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listenOnSocket } from '../../../src/runtime/serve/unix-socket.ts';

let folder: string;
let path: string;
const servers: Server[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-socket-'));
  path = join(folder, 'gate.sock');
});

afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

function newServer(): Server {
  const server = createServer((socket) => socket.on('error', () => undefined).end('gate'));
  servers.push(server);
  return server;
}

function said(at: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    connect(at)
      .setEncoding('utf8')
      .on('data', (chunk: string) => (text += chunk))
      .on('error', reject)
      .on('close', () => resolve(text));
  });
}

/** A socket whose process was killed before it could remove it. */
async function deadSocket(at: string): Promise<void> {
  const script = `require('node:net').createServer().listen(${JSON.stringify(at)}, () => process.kill(process.pid, 'SIGKILL'))`;
  const child = spawn(process.execPath, ['-e', script], { stdio: 'ignore' });
  await new Promise((resolve) => child.once('close', resolve));
  expect(lstatSync(at).isSocket()).toBe(true);
}

const refused = { code: 'CONFIG_INVALID' };

describe('a socket', () => {
  it('is open to its user and group alone, whatever the umask, and is gone after its server', async () => {
    const before = process.umask(0);
    try {
      const server = newServer();
      await listenOnSocket(server, path);
      expect(lstatSync(path).mode & 0o777).toBe(0o660);
      expect(process.umask(0)).toBe(0);
      expect(await said(path)).toBe('gate');
      await new Promise((resolve) => servers.splice(0)[0]?.close(resolve));
      expect(existsSync(path)).toBe(false);
    } finally {
      process.umask(before);
    }
  });

  it('takes the place of one whose gate is dead', async () => {
    await deadSocket(path);
    await listenOnSocket(newServer(), path);
    expect(await said(path)).toBe('gate');
    expect(readdirSync(folder)).toEqual(['gate.sock', 'gate.sock.lock']);
  });

  it('does not take the place of one that is answered', async () => {
    await listenOnSocket(newServer(), path);
    await expect(listenOnSocket(newServer(), path)).rejects.toMatchObject(refused);
    expect(await said(path)).toBe('gate');
  });

  it('is made once where several find a dead one at the same time', async () => {
    await deadSocket(path);
    const all = await Promise.allSettled(Array.from({ length: 8 }, () => listenOnSocket(newServer(), path)));
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await said(path)).toBe('gate');
    expect(readdirSync(folder)).toEqual(['gate.sock', 'gate.sock.lock']);
  });
});

describe('what stands at the place of a socket', () => {
  it('is not touched when it is a file', async () => {
    writeFileSync(path, 'mine');
    await expect(listenOnSocket(newServer(), path)).rejects.toMatchObject(refused);
    expect(lstatSync(path).isFile()).toBe(true);
  });

  it('is not followed when it is a link, to nowhere or to a live socket', async () => {
    const elsewhere = join(folder, 'other.sock');
    symlinkSync(elsewhere, path);
    await expect(listenOnSocket(newServer(), path)).rejects.toMatchObject(refused);
    expect(existsSync(elsewhere)).toBe(false);
    await listenOnSocket(newServer(), elsewhere);
    await expect(listenOnSocket(newServer(), path)).rejects.toMatchObject(refused);
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
  });
});

describe('the folder of a socket', () => {
  it.each([
    ['that everybody may write', 0o777],
    ['that everybody may write, sticky as /tmp', 0o1777],
    ['that the group may write', 0o770],
  ])('%s is refused', async (_, mode) => {
    chmodSync(folder, mode);
    await expect(listenOnSocket(newServer(), path)).rejects.toMatchObject(refused);
    expect(existsSync(path)).toBe(false);
  });

  it('is refused for a folder above it that others may write', async () => {
    const inner = join(folder, 'inner');
    mkdirSync(inner);
    chmodSync(folder, 0o777);
    await expect(listenOnSocket(newServer(), join(inner, 'gate.sock'))).rejects.toMatchObject(refused);
    chmodSync(folder, 0o1777);
    await listenOnSocket(newServer(), join(inner, 'gate.sock'));
  });

  it('is judged where a link leads to', async () => {
    const open = join(folder, 'open');
    mkdirSync(open);
    chmodSync(open, 0o777);
    symlinkSync(open, join(folder, 'link'));
    await expect(listenOnSocket(newServer(), join(folder, 'link', 'gate.sock'))).rejects.toMatchObject(
      refused,
    );
  });

  it.each([
    ['is missing', 'none/gate.sock'],
    ['makes the path longer than systems take', `${'x'.repeat(90)}.sock`],
  ])('is refused when it %s', async (_, name) => {
    await expect(listenOnSocket(newServer(), join(folder, name))).rejects.toMatchObject(refused);
  });
});
