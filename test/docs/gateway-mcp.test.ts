import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFixture, type FixtureServer } from '../conformance/fixture-server.ts';
import { countersign, filesystemServer, testHome, type TestHome } from '../support/home.ts';
import { blocks, page, section } from './pages.ts';

const text = section(page('docs/gateway.md'), 'MCP servers, one by one and all together');
const [configuration = '', policy = ''] = blocks(text, 'yaml');
const [session = ''] = blocks(text, 'sh');

let home: TestHome;
let weather: FixtureServer;
beforeAll(async () => {
  [home, weather] = await Promise.all([testHome(), startFixture()]);
});
afterAll(async () => {
  await weather[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

const has = (command: string): boolean => spawnSync(command, ['--version']).error === undefined;

describe('the MCP servers of docs/gateway.md', () => {
  it.skipIf(!has('curl') || !has('bash'))('work as it is written', { timeout: 60_000 }, async () => {
    const local = configuration
      .replace('port: 8787', 'port: 0')
      .replace('command: npx', `command: ${JSON.stringify(process.execPath)}`)
      .replace("-y, '@modelcontextprotocol/server-filesystem'", JSON.stringify(filesystemServer))
      .replace('https://weather.internal/mcp', weather.url);
    expect(local).not.toMatch(/npx|weather\.internal/);
    writeFileSync(join(home.work, 'countersign.yaml'), local);
    writeFileSync(join(home.work, 'mcp.yaml'), policy);
    mkdirSync(join(home.work, 'notes'));
    writeFileSync(join(home.work, 'notes', 'today.txt'), 'Nothing to note.');
    const gateway = spawn(process.execPath, [countersign, 'serve', '--config', 'countersign.yaml'], {
      cwd: home.work,
      env: { ...home.env, WEATHER_TOKEN: 'sesame' },
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
      const ran = await bash(`${script}\ncat answer.json`);
      expect(ran).toMatchObject({ code: 0 });
      expect(ran.stdout).toContain('files/read_text_file  executed');
      expect(ran.stdout).toContain('Nothing to note.');
    } finally {
      gateway.kill('SIGTERM');
      await ended;
    }
  });

  /** Not synchronous: a server that is asked lives in this process. */
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
