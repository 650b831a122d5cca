import { chmodSync, existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deviceLogin } from '../../../src/runtime/login/device-login.ts';
import { startIdentityProvider, type IdentityProvider } from '../../support/identity-provider.ts';
import { audience, loginFolder, placeAt } from './folder.ts';

let provider: IdentityProvider;

beforeAll(async () => {
  provider = await startIdentityProvider();
}, 30_000);
afterAll(() => provider.kill());

const userCode = /enter the code ([A-Z]{4}-[A-Z]{4})/;

describe('countersign login', () => {
  it('logs a person in through a page in any browser, and keeps what comes of it to itself', async () => {
    using folder = loginFolder(provider.issuer);
    const login = folder.cli('login', '--json');
    const [, code = ''] = await login.until(userCode);
    await provider.approve(code, 'ada');
    const { code: exit, stdout, stderr } = await login.end;
    expect(exit).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      loggedIn: true,
      issuer: provider.issuer,
      subject: 'ada',
      resource: audience,
      isRenewed: true,
    });
    expect(stderr).toContain(`${provider.issuer}/device?user_code=${code}`);

    const { tokens } = folder.kept();
    const [, claims = ''] = tokens!.access.split('.');
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
      aud: audience,
      sub: 'ada',
    });
    expect(statSync(folder.path).mode & 0o777).toBe(0o600);
    for (const token of [tokens!.access, tokens!.refresh!]) expect(stdout + stderr).not.toContain(token);

    const status = await folder.cli('login', 'status').end;
    expect(status).toMatchObject({ code: 0, stderr: '' });
    expect(status.stdout).toContain('as ada');

    const gone = await folder.cli('logout').end;
    expect(gone).toMatchObject({ code: 0, stdout: expect.stringContaining('revoked') as string });
    expect(existsSync(folder.path)).toBe(false);
    expect(readdirSync(folder.root).sort()).toEqual(['countersign.yaml', 'login.json.lock']);
    const refreshed = await fetch(`${provider.issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        client_id: 'countersign',
        grant_type: 'refresh_token',
        refresh_token: tokens!.refresh!,
      }),
    });
    expect(await refreshed.json()).toMatchObject({ error: 'invalid_grant' });
    expect((await folder.cli('login', 'status', '--json').end).stdout).toBe('{"loggedIn":false}\n');
  }, 60_000);

  it('says so when the login is refused at the page, and keeps nothing', async () => {
    using folder = loginFolder(provider.issuer);
    const login = folder.cli('login');
    const [, code = ''] = await login.until(userCode);
    await provider.deny(code);
    const { code: exit, stderr } = await login.end;
    expect(exit).toBe(1);
    expect(stderr).toContain('LOGIN_FAILED: The login was refused');
    expect(existsSync(folder.path)).toBe(false);
  }, 60_000);

  it('sends nobody to a page for a login that could not be kept, or not in private', async () => {
    using folder = loginFolder(provider.issuer);
    const before = (await provider.asked()).length;
    chmodSync(folder.root, 0o755);
    expect(await folder.cli('login').end).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('HOME_INVALID') as string,
    });
    folder.configure('version: 1\n');
    const unset = await folder.cli('login').end;
    expect(unset.stderr).toContain('CONFIG_INVALID');
    folder.configure('login: { issuer: http://sso.example.com, clientId: countersign }\n');
    expect((await folder.cli('login').end).stderr).toContain('must be https');
    folder.configure(`login: { issuer: ${provider.issuer}, clientId: countersign }\n`);
    expect((await folder.cli('login', '--issuer', 'https://other.example.com').end).stderr).toContain(
      'CONFIG_INVALID',
    );
    expect((await provider.asked()).length).toBe(before);
  }, 60_000);

  it('logs out of a login that cannot be read any more', async () => {
    using folder = loginFolder(provider.issuer);
    writeFileSync(folder.path, '{"version":1,', { mode: 0o600 });
    expect((await folder.cli('login', 'status').end).stderr).toContain('LOGIN_FAILED');
    expect(await folder.cli('logout').end).toMatchObject({ code: 0 });
    expect(existsSync(folder.path)).toBe(false);
  }, 30_000);
});

/** An issuer whose token endpoint answers with these, one after the other: with an error's name, or never. */
async function scriptedIssuer(answers: readonly string[], asked: object = {}) {
  const times: number[] = [];
  const server = createServer((request, response) => {
    const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const send = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (request.url === '/.well-known/openid-configuration') {
      send(200, {
        issuer,
        token_endpoint: `${issuer}/token`,
        device_authorization_endpoint: `${issuer}/device`,
      });
    } else if (request.url === '/device') {
      send(200, {
        device_code: 'secret-device-code',
        user_code: 'ABCD',
        verification_uri: `${issuer}/enter`,
        expires_in: 600,
        ...asked,
      });
    } else {
      times.push(0);
      const error = answers[times.length - 1];
      if (error === 'cut') request.socket.destroy();
      else send(400, { error });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { issuer, [Symbol.dispose]: () => server.close() };
}

async function pausesOf(answers: readonly string[], asked: object = {}) {
  using scripted = await scriptedIssuer(answers, asked);
  const pauses: number[] = [];
  const login = deviceLogin({
    ...placeAt(scripted.issuer),
    prompt: () => undefined,
    waiting: () => undefined,
    pause: (ms) => Promise.resolve(void pauses.push(ms)),
  });
  const error = await login.then(
    () => undefined,
    (thrown: unknown) => thrown as Error,
  );
  return { pauses, error };
}

describe('the device authorization grant', () => {
  it('asks as often as the issuer lets it, and less often once it is told to slow down', async () => {
    const { pauses, error } = await pausesOf([
      'authorization_pending',
      'slow_down',
      'authorization_pending',
      'slow_down',
      'access_denied',
    ]);
    expect(pauses).toEqual([5_000, 5_000, 10_000, 10_000, 15_000]);
    expect(error).toMatchObject({
      code: 'LOGIN_FAILED',
      message: expect.stringContaining('refused') as string,
    });
  });

  it('goes on after a connection that broke, and ends with the code', async () => {
    const { pauses, error } = await pausesOf(['cut', 'authorization_pending', 'expired_token'], {
      interval: 2,
    });
    expect(pauses).toEqual([2_000, 4_000, 4_000]);
    expect(error).toMatchObject({
      code: 'LOGIN_FAILED',
      message: expect.stringContaining('in time') as string,
    });
  });

  it('takes no page that a browser would not open, and no endpoint without TLS', async () => {
    for (const asked of [
      { verification_uri: 'javascript:alert(1)' },
      { verification_uri_complete: 'file:///etc/passwd' },
    ])
      expect((await pausesOf([], asked)).error).toMatchObject({ code: 'LOGIN_FAILED' });
  });

  it('repeats nothing secret of an answer', async () => {
    const { error } = await pausesOf(['invalid_client']);
    expect(error).toMatchObject({ code: 'LOGIN_FAILED' });
    expect(`${error?.message} ${String(error?.cause)}`).not.toContain('secret-device-code');
  });
});
