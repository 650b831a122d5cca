import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deviceLogin } from '../../../src/runtime/login/device-login.ts';
import { draftLogin, type Login } from '../../../src/runtime/login/login-file.ts';
import { loginTokens } from '../../../src/runtime/login/login-tokens.ts';
import { startIdentityProvider, type IdentityProvider } from '../../support/identity-provider.ts';
import { loginFolder, placeAt, type LoginFolder } from './folder.ts';

let provider: IdentityProvider;

beforeAll(async () => {
  provider = await startIdentityProvider();
}, 30_000);
afterAll(() => provider.kill());

/** Logs ada in, and makes believe that so many milliseconds of the token's ten minutes are left. */
async function loggedIn(folder: LoginFolder, leftMs: number, at = provider): Promise<Login> {
  const { promise: approved, resolve } = Promise.withResolvers<void>();
  const login = await deviceLogin({
    ...placeAt(at.issuer),
    prompt: ({ userCode }) => void at.approve(userCode, 'ada').then(resolve),
    waiting: () => undefined,
    pause: () => approved,
  });
  age(folder, login, leftMs);
  return login;
}

function age({ path }: LoginFolder, login: Login, leftMs: number): void {
  const expiresAt = Date.now() + leftMs;
  const tokens = { ...login.tokens!, obtainedAt: expiresAt - 600_000, expiresAt };
  draftLogin(path).commit({ ...login, tokens });
}

const sourceOf = ({ path }: LoginFolder, at = provider) => loginTokens({ path, ...placeAt(at.issuer) });
const refreshes = async (at = provider) => (await at.asked('refresh_token')).length;

describe('the token of a login', () => {
  it('is nobody’s where nobody has logged in', async () => {
    using folder = loginFolder();
    expect(await sourceOf(folder)()).toBeUndefined();
  });

  it('is handed out as it is while it is fresh', async () => {
    using folder = loginFolder();
    const { tokens } = await loggedIn(folder, 500_000);
    const before = await refreshes();
    const source = sourceOf(folder);
    expect(await source()).toBe(tokens!.access);
    expect(await source()).toBe(tokens!.access);
    expect(await refreshes()).toBe(before);
  });

  it('is renewed in the background once four fifths of its life are over', async () => {
    using folder = loginFolder();
    const { tokens } = await loggedIn(folder, 100_000);
    const source = sourceOf(folder);
    expect(await source()).toBe(tokens!.access);
    await expect.poll(() => folder.kept().tokens!.access, { timeout: 10_000 }).not.toBe(tokens!.access);
    expect(await source()).toBe(folder.kept().tokens!.access);
    expect(folder.kept().tokens!.refresh).not.toBe(tokens!.refresh);
  });

  it('is waited for once it has ended, however many wait', async () => {
    using folder = loginFolder();
    await loggedIn(folder, -1);
    const before = await refreshes();
    const source = sourceOf(folder);
    const got = await Promise.all(Array.from({ length: 10 }, source));
    expect(new Set(got)).toEqual(new Set([folder.kept().tokens!.access]));
    expect(await refreshes()).toBe(before + 1);
  });

  it('is renewed by one of several processes, so that no refresh token is lost or used twice', async () => {
    using folder = loginFolder();
    await loggedIn(folder, -1);
    const before = await refreshes();
    await provider.control('behave', { delayMs: 300 });
    const at = String(Date.now() + 2_500);
    const program = join(import.meta.dirname, 'refresh-process.ts');
    const run = async (): Promise<unknown> => {
      const { stdout } = await promisify(execFile)(process.execPath, [
        program,
        folder.root,
        provider.issuer,
        at,
      ]);
      return JSON.parse(stdout);
    };
    const got = await Promise.all([run(), run(), run()]);
    await provider.control('behave', {});
    expect(new Set(got)).toEqual(new Set([folder.kept().tokens!.access]));
    expect(await refreshes()).toBe(before + 1);

    age(folder, folder.kept(), -1);
    expect(await sourceOf(folder)()).toBe(folder.kept().tokens!.access);
  }, 30_000);

  it('ends with the login: what the issuer has taken back is LOGIN_MISSING from then on, not nobody', async () => {
    using folder = loginFolder();
    const login = await loggedIn(folder, 100_000);
    await fetch(`${provider.issuer}/token/revocation`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: 'countersign', token: login.tokens!.refresh! }),
    });
    const source = sourceOf(folder);
    await source();
    await expect.poll(() => folder.kept().tokens, { timeout: 10_000 }).toBeUndefined();
    await expect(source()).rejects.toMatchObject({ code: 'LOGIN_MISSING' });
    await expect(sourceOf(folder)()).rejects.toMatchObject({ code: 'LOGIN_MISSING' });
  });

  it('outlives its issuer until its own end, then nothing is handed out, and the issuer is left alone for a while', async () => {
    using folder = loginFolder();
    await using mortal = await startIdentityProvider();
    const { tokens } = await loggedIn(folder, 100_000, mortal);
    await mortal.kill();
    const source = sourceOf(folder, mortal);
    expect(await source()).toBe(tokens!.access);
    age(folder, folder.kept(), -1);
    const first = await source().catch((error: unknown) => error);
    expect(first).toMatchObject({ code: 'LOGIN_FAILED' });
    expect(String((first as Error).cause)).not.toContain(tokens!.refresh);
    await expect(source()).rejects.toMatchObject({ code: 'LOGIN_FAILED' });
    expect(folder.kept().tokens!.refresh).toBe(tokens!.refresh);
  }, 30_000);

  it('comes back with an issuer that was out of order', async () => {
    using folder = loginFolder();
    await loggedIn(folder, -1);
    const source = sourceOf(folder);
    await provider.control('behave', { status: 503 });
    await expect(source()).rejects.toMatchObject({ code: 'LOGIN_FAILED' });
    const asked = await refreshes();
    await expect(source()).rejects.toMatchObject({ code: 'LOGIN_FAILED' });
    expect(await refreshes()).toBe(asked);
    await provider.control('behave', {});
    await expect.poll(() => source().catch(() => undefined), { timeout: 10_000 }).toBeTypeOf('string');
  }, 30_000);

  it('asks no issuer for what it could not write down', async () => {
    using folder = loginFolder();
    await loggedIn(folder, -1);
    mkdirSync(`${folder.path}.new`);
    const asked = await refreshes();
    await expect(sourceOf(folder)()).rejects.toMatchObject({ code: 'LOGIN_FAILED' });
    expect(await refreshes()).toBe(asked);
    rmSync(`${folder.path}.new`, { recursive: true });
    expect(await sourceOf(folder)()).toBe(folder.kept().tokens!.access);
  });

  it('is not taken from a file that others can read, nor from a login at another issuer or for another gate', async () => {
    using folder = loginFolder();
    await loggedIn(folder, 500_000);
    const { path } = folder;
    const place = placeAt(provider.issuer);
    for (const other of [
      { ...place, resource: 'https://other.example.com' },
      { ...place, config: { ...place.config, issuer: 'https://sso.example.com' } },
      { ...place, config: { ...place.config, clientId: 'another' } },
    ])
      await expect(loginTokens({ path, ...other })()).rejects.toMatchObject({ code: 'LOGIN_MISSING' });
    chmodSync(path, 0o640);
    await expect(sourceOf(folder)()).rejects.toMatchObject({ code: 'LOGIN_FAILED' });
  });

  it('is seen to be gone, or another one, as soon as somebody logs out or in', async () => {
    using folder = loginFolder();
    await loggedIn(folder, 500_000);
    const source = sourceOf(folder);
    await source();
    const { tokens } = await loggedIn(folder, 500_000);
    expect(await source()).toBe(tokens!.access);
    rmSync(folder.path);
    expect(await source()).toBeUndefined();
  });
});
