import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reasonCodes } from '../../src/names.ts';
import { countersign, testHome, type TestHome } from '../support/home.ts';
import { blocks, firstCells, page, section } from './pages.ts';

const text = page('docs/decision-api.md');
const [configuration = '', policy = ''] = blocks(text, 'yaml');
const session = blocks(text, 'sh').find((block) => block.startsWith('curl')) ?? '';
const [program = '', governedFunction = '', inProcess = ''] = blocks(text, 'js');
const library = (file: string): string => new URL(`../../dist/${file}`, import.meta.url).href;

let home: TestHome;
let gateway: ChildProcess;
let ended: Promise<unknown>;
let url = '';

beforeAll(async () => {
  home = await testHome();
  writeFileSync(join(home.work, 'countersign.yaml'), configuration.replace('port: 8787', 'port: 0'));
  writeFileSync(join(home.work, 'notes.yaml'), policy);
  gateway = spawn(process.execPath, [countersign, 'serve', '--config', 'countersign.yaml'], {
    cwd: home.work,
    env: home.env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  ended = new Promise((resolve) => gateway.once('close', resolve));
  url = await new Promise((resolve, reject) => {
    let said = '';
    gateway.once('close', () => reject(new Error(said)));
    gateway.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
      const place = /listening on (http:\S+)\n/.exec(said)?.[1];
      if (place !== undefined) resolve(place);
    });
  });
}, 60_000);

afterAll(async () => {
  gateway.kill('SIGTERM');
  await ended;
  await home[Symbol.asyncDispose]();
});

const has = (command: string): boolean => spawnSync(command, ['--version']).error === undefined;

const run = (command: string, args: readonly string[]) =>
  spawnSync(command, args, { cwd: home.work, env: home.env, encoding: 'utf8', timeout: 60_000 });

describe('docs/decision-api.md', () => {
  it.skipIf(!['curl', 'bash', 'jq'].every(has))(
    'has a session of curl that works as it is written',
    { timeout: 60_000 },
    () => {
      const script = session
        .replaceAll('http://127.0.0.1:8787', url)
        .replaceAll('countersign verify', `"${process.execPath}" "${countersign}" verify`);
      const { status, stdout, stderr } = run('bash', ['-euo', 'pipefail', '-c', script]);
      expect({ status, stderr }).toMatchObject({ status: 0 });
      expect(stdout).toMatch(/ALLOW {2}notes\/add/);
      expect(stdout).toContain('the gate saw nothing of it');
    },
  );

  /** Runs a block of the page as a program, whose imports are what the package exports. */
  const runProgram = (text: string) => {
    const file = join(home.work, 'program.mjs');
    const here = (specifier: string): string => `'${import.meta.resolve(specifier)}'`;
    const runnable = text
      .replace("'countersign'", `'${library('src/index.js')}'`)
      .replace("'countersign/adapter'", `'${library('src/adapter.js')}'`)
      .replace("'countersign/node'", `'${library('src/node.js')}'`)
      .replace("'zod'", here('zod'))
      .replace('http://127.0.0.1:8787', url);
    writeFileSync(file, runnable);
    return run(process.execPath, [file]);
  };

  it.each([
    ['asks a gateway', program],
    ['has its gate in its own process', inProcess],
  ])('has a program that works as it is written: one that %s', { timeout: 60_000 }, (_, text) => {
    const { status, stdout } = runProgram(text);
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^done \{"callId"/)]);
    writeFileSync(join(home.work, 'evidence.json'), stdout.slice('done '.length));
    const verify = ['verify', '--trust', home.trustFile, '--expect', 'executed', 'evidence.json'];
    expect(run(process.execPath, [countersign, ...verify]).status).toBe(0);
  });

  it('has a governed function that works as it is written', { timeout: 60_000 }, () => {
    const { status, stdout } = runProgram(governedFunction);
    expect([status, stdout]).toEqual([0, '{ note: 5, copies: 1 }\ndenied NO_RULE_ALLOWS\n']);
  });

  it('names every code by which a report is refused', () => {
    const told = section(text, '`POST /v1/calls/ID/outcome`');
    for (const code of reasonCodes.filter((each) => each.startsWith('HANDLE_'))) expect(told).toContain(code);
    expect(firstCells(told)).toContain('410');
  });
});
