import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countersign, testHome, type TestHome } from '../support/home.ts';
import { blocks, page } from './pages.ts';

const text = page('docs/gateway.md');
const [configuration = '', policy = ''] = blocks(text, 'yaml');
const session = blocks(text, 'sh').find((block) => block.startsWith('curl')) ?? '';

let home: TestHome;
let service: Server;
let seen = '';

beforeAll(async () => {
  home = await testHome();
  service = createServer((request, response) => {
    request.setEncoding('utf8').on('data', (chunk: string) => (seen += chunk));
    request.on('end', () => response.end('{"set":12.5}'));
  });
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
});

afterAll(async () => {
  service.closeAllConnections();
  service.close();
  await home[Symbol.asyncDispose]();
});

/** Whether a program can be started at all. */
const has = (command: string): boolean => spawnSync(command, ['--version']).error === undefined;

describe('the first action of docs/gateway.md', () => {
  it.skipIf(!has('curl') || !has('bash'))('works as it is written', { timeout: 60_000 }, async () => {
    const { port } = service.address() as AddressInfo;
    const local = configuration
      .replace('https://plc.internal', `http://127.0.0.1:${port}`)
      .replace('port: 8787', 'port: 0');
    expect(local).not.toContain('plc.internal');
    writeFileSync(join(home.work, 'countersign.yaml'), local);
    writeFileSync(join(home.work, 'ot.yaml'), policy);
    const gateway = spawn(process.execPath, [countersign, 'serve', '--config', 'countersign.yaml'], {
      cwd: home.work,
      env: { ...home.env, PLC_TOKEN: 'sesame' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    gateway.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
    const ended = new Promise((resolve) => gateway.once('close', resolve));
    try {
      await expect.poll(() => said, { timeout: 30_000 }).toMatch(/listening on http:\S+\n/);
      const url = /http:\S+/.exec(said)?.[0] ?? '';
      const script = session
        .replace('http://127.0.0.1:8787', url)
        .replaceAll('countersign verify', `"${process.execPath}" "${countersign}" verify`);
      const ran = await bash(script);
      expect(ran).toMatchObject({ code: 0 });
      expect(ran.stdout).toContain('actions/set-pressure  executed');
      expect(seen).toBe('{"value": 12.5}');
    } finally {
      gateway.kill('SIGTERM');
      await ended;
    }
  });

  /** Not synchronous: the service that is called lives in this process. */
  function bash(script: string): Promise<{ readonly code: number | null; readonly stdout: string }> {
    return new Promise((resolve) => {
      const child = spawn('bash', ['-euo', 'pipefail', '-c', script], { cwd: home.work, env: home.env });
      let stdout = '';
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
      child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
      child.once('close', (code) => resolve({ code, stdout }));
    });
  }
});
