import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { callCredentials } from '../../../src/runtime/login/call-credentials.ts';
import { openHumanToken } from '../../../src/runtime/login/human-token.ts';
import { commandToken } from '../../../src/runtime/login/token-command.ts';
import { CountersignError } from '../../../src/errors.ts';
import { loginFolder, type LoginFolder } from './folder.ts';

const tokenUntil = (exp: number): string =>
  `e30.${Buffer.from(JSON.stringify({ exp })).toString('base64url')}.c2ln`;
const inAnHour = tokenUntil(Math.floor(Date.now() / 1_000) + 3_600);

const open = ({ root }: LoginFolder, env: Record<string, string> = {}) =>
  openHumanToken({ root, env: { PATH: process.env['PATH'], ...env }, cwd: root });
/** A command of the section `human` that runs this, and leaves a mark each time. */
const marked = ({ root }: LoginFolder, script: string): string[] => [
  process.execPath,
  '-e',
  `require('node:fs').appendFileSync(${JSON.stringify(join(root, 'runs'))}, 'x'); ${script}`,
];
const runs = ({ root }: LoginFolder) => readFileSync(join(root, 'runs'), 'utf8').length;
const section = (command: readonly string[]) => `human: ${JSON.stringify({ command })}\n`;

describe('the token of whom calls are made for', () => {
  it('comes from nowhere where nothing is set', async () => {
    using folder = loginFolder();
    expect(await open(folder)).toBeUndefined();
    folder.configure('version: 1\nservers: { x: { url: "${env:NOT_SET}" } }\n');
    expect(await open(folder)).toBeUndefined();
  });

  it('comes from the environment first, then from the command, then from the login', async () => {
    using folder = loginFolder();
    folder.configure(
      `${section(['printf', 'from-command'])}login: { issuer: 'https://sso.example.com', clientId: x }\n`,
    );
    const file = join(folder.root, 'token');
    writeFileSync(file, 'from-file\n');
    expect(await (await open(folder, { COUNTERSIGN_HUMAN_TOKEN: 'from-env' }))!()).toBe('from-env');
    expect(await (await open(folder, { COUNTERSIGN_HUMAN_TOKEN_FILE: file }))!()).toBe('from-file');
    expect(await (await open(folder))!()).toBe('from-command');
    folder.configure("login: { issuer: 'https://sso.example.com', clientId: x }\n");
    expect(await (await open(folder))!()).toBeUndefined();
  });

  it('is not guessed where two say it, or one says nothing', async () => {
    using folder = loginFolder();
    for (const env of [
      { COUNTERSIGN_HUMAN_TOKEN: 'x', COUNTERSIGN_HUMAN_TOKEN_FILE: 'y' },
      { COUNTERSIGN_HUMAN_TOKEN: '' },
    ])
      await expect(open(folder, env)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    for (const wrong of ['human: { command: [] }', 'human: { command: "a | b" }', 'login: { clientId: x }']) {
      folder.configure(`${wrong}\n`);
      await expect(open(folder)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    }
  });

  it.skipIf(process.platform === 'win32')('is not taken from what others could have written', async () => {
    using folder = loginFolder();
    const file = join(folder.root, 'token');
    writeFileSync(file, 'x');
    chmodSync(file, 0o666);
    const source = (await open(folder, { COUNTERSIGN_HUMAN_TOKEN_FILE: file }))!;
    await expect(source()).rejects.toMatchObject({ code: 'LOGIN_FAILED' });
    folder.configure(section(['true']));
    chmodSync(folder.root, 0o777);
    await expect(open(folder)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

describe('a command that prints the token', () => {
  it('is run once for all who wait, and again when its token has ended', async () => {
    using folder = loginFolder();
    const env = { PATH: process.env['PATH'] };
    const lasting = commandToken({
      command: marked(folder, `console.log('${inAnHour}')`),
      env,
      cwd: folder.root,
    });
    expect(await Promise.all([lasting(), lasting(), lasting()])).toEqual([inAnHour, inAnHour, inAnHour]);
    expect(await lasting()).toBe(inAnHour);
    expect(runs(folder)).toBe(1);
    const ended = commandToken({
      command: marked(folder, `console.log('${tokenUntil(1)}')`),
      env,
      cwd: folder.root,
    });
    await ended();
    await ended();
    expect(runs(folder)).toBe(3);
  });

  it.each([
    ['prints none', 'undefined', {}],
    ['prints without end', "setInterval(() => process.stdout.write('secret'.repeat(4096)), 1)", {}],
    ['does not end', 'setInterval(() => undefined, 1000)', { withinMs: 1_000 }],
    ['fails', "console.log('secret'); console.error('secret'); process.exit(7)", {}],
  ])('is none that %s: no token, none of its words, and no second run at once', async (_, script, limits) => {
    using folder = loginFolder();
    const env = { PATH: process.env['PATH'] };
    const source = commandToken({ command: marked(folder, script), env, cwd: folder.root, ...limits });
    for (let time = 0; time < 2; time++) {
      const error = await source().catch((thrown: unknown) => thrown as Error);
      expect(error).toMatchObject({ code: 'LOGIN_FAILED' });
      expect(`${(error as Error).message} ${String((error as Error).cause)}`).not.toContain('secret');
    }
    expect(runs(folder)).toBe(1);
  });

  it('is not given to a shell, and gets nothing that is for the gate alone', async () => {
    using folder = loginFolder();
    folder.configure(section(['printf', '%s', '$HOME; echo x']));
    expect(await (await open(folder))!()).toBe('$HOME; echo x');
    folder.configure(section([process.execPath, '-p', 'Object.keys(process.env).join()']));
    const names = await (await open(folder, {
      COUNTERSIGN_API_KEY: 'x',
      COUNTERSIGN_KEY_PASSPHRASE: 'y',
    }))!();
    expect(names).not.toMatch(/COUNTERSIGN_(API|KEY)/);
  });
});

describe('what a call brings', () => {
  it('is the same at once where there is nobody to ask for', () => {
    const credentials = callCredentials('key', undefined);
    expect(credentials()).toEqual({ apiKey: 'key' });
    expect(credentials()).toBe(credentials());
  });

  it('says why there is no token where there should be one', async () => {
    const ended = new CountersignError('LOGIN_MISSING', 'The login has ended.');
    expect(await callCredentials('key', () => Promise.reject(ended))()).toEqual({
      apiKey: 'key',
      humanUnavailable: { code: 'LOGIN_MISSING', message: 'The login has ended.' },
    });
    expect(await callCredentials('key', () => Promise.reject(new Error('secret')))()).toEqual({
      apiKey: 'key',
      humanUnavailable: { code: 'LOGIN_FAILED', message: 'The human’s token cannot be had.' },
    });
  });
});
