import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';

const program = join(import.meta.dirname, 'identity-provider.mjs');
const redirectUri = 'http://127.0.0.1/callback';

export interface IdentityProviderOptions {
  /** 0 lets the system choose one: say the former one to come back after a death, though knowing nothing any more. */
  readonly port?: number;
  /** Beside its own: client metadata (RFC 7591). */
  readonly clients?: readonly Record<string, unknown>[];
  /** Name → further claims of their access tokens. */
  readonly people?: Readonly<Record<string, Record<string, unknown>>>;
}

export interface AskedToken {
  readonly grant: string;
  readonly params: Readonly<Record<string, string>>;
  readonly status: number;
}

/** The provider of identity-provider.mjs, in its process. */
export interface IdentityProvider extends AsyncDisposable {
  readonly issuer: string;
  /** What it may be told with: see identity-provider.mjs. */
  control(what: 'keys' | 'lifetime' | 'behave', how?: object): Promise<void>;
  /** What was asked of its token endpoint so far. */
  asked(grant?: string): Promise<readonly AskedToken[]>;
  /** At its device page, as a person who has read the code off a terminal. */
  approve(userCode: string, person: string): Promise<void>;
  deny(userCode: string): Promise<void>;
  /**
   * An access token for this resource, by authorization code, as an application gets it. `dpop` is the proof for a POST to
   * `issuer`/token that it is to be bound to.
   */
  login(person: string, resource: string, dpop?: string): Promise<string>;
  /** Where this person's browser ends that an application has sent to this URL of the provider: back at the application. */
  authorize(url: string, person: string): Promise<URL>;
  /** Asks the token endpoint, as a client with a secret: client credentials, token exchange. Throws when there is no token. */
  token(client: string, secret: string, params: Readonly<Record<string, string>>): Promise<string>;
  /** Ends it at once. */
  kill(): Promise<void>;
}

export async function startIdentityProvider(
  options: IdentityProviderOptions = {},
): Promise<IdentityProvider> {
  const child = spawn(process.execPath, [program, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const issuer = line.toString().trim();
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  return {
    issuer,
    async control(what, how = {}) {
      const response = await fetch(`${issuer}/control/${what}`, {
        method: 'POST',
        body: JSON.stringify(how),
      });
      await response.text();
    },
    async asked(grant) {
      const all = (await (await fetch(`${issuer}/control/tokens`)).json()) as AskedToken[];
      return grant === undefined ? all : all.filter((each) => each.grant === grant);
    },
    approve: (userCode, person) => answerDevice(issuer, userCode, person),
    deny: (userCode) => answerDevice(issuer, userCode, undefined),
    login: (person, resource, dpop) => login(issuer, person, resource, dpop),
    authorize: (url, person) => authorize(issuer, url, person),
    token: (client, secret, params) =>
      askToken(issuer, params, { authorization: `Basic ${btoa(`${client}:${secret}`)}` }),
    kill,
    [Symbol.asyncDispose]: kill,
  };
}

/** Enters the code, and agrees to it and logs in; or not. */
async function answerDevice(issuer: string, userCode: string, person: string | undefined): Promise<void> {
  const browser = newBrowser(issuer);
  const entered = await browser.submit('/device', await browser.page('/device'), { user_code: userCode });
  const asked = await entered.text();
  const verdict = person === undefined ? { abort: 'yes' } : { confirm: 'yes' };
  let response = await browser.submit('/device', asked, { user_code: userCode, ...verdict });
  while (person !== undefined && response.headers.get('location') !== null)
    response = await browser.go(response.headers.get('location')!, person);
  if (response.status !== 200 && person !== undefined)
    throw new Error(`The code was not approved (${response.status}).`);
}

async function login(issuer: string, person: string, resource: string, dpop?: string): Promise<string> {
  const verifier = randomBytes(32).toString('base64url');
  const client = { client_id: 'maintenance-agent', redirect_uri: redirectUri, resource };
  const question = new URLSearchParams({
    ...client,
    response_type: 'code',
    scope: 'openid call',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  const back = await authorize(issuer, `/auth?${question.toString()}`, person);
  const code = back.searchParams.get('code') ?? '';
  const params = { ...client, grant_type: 'authorization_code', code, code_verifier: verifier };
  return askToken(issuer, params, dpop === undefined ? {} : { dpop });
}

async function authorize(issuer: string, url: string, person: string): Promise<URL> {
  const browser = newBrowser(issuer);
  let at = url;
  while (!at.startsWith(redirectUri)) {
    const response = await browser.go(at, person);
    const location = response.headers.get('location');
    if (location === null) throw new Error(`Nobody was logged in (${response.status}).`);
    at = location;
  }
  return new URL(at);
}

async function askToken(
  issuer: string,
  params: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>>,
): Promise<string> {
  const body = new URLSearchParams(params);
  const response = await fetch(`${issuer}/token`, { method: 'POST', body, headers });
  const { access_token: token, error } = (await response.json()) as { access_token?: string; error?: string };
  if (token === undefined) throw new Error(`There was no token (${response.status} ${error}).`);
  return token;
}

/** Cookies, and the provider's pages, of which each has one form. */
function newBrowser(issuer: string) {
  const cookies = new Map<string, string>();

  const send = async (url: string, init: RequestInit = {}): Promise<Response> => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(new URL(url, issuer), { ...init, headers: { cookie }, redirect: 'manual' });
    for (const set of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
      cookies.set(name, value);
    }
    return response;
  };
  const hidden = (page: string, name: string): string =>
    new RegExp(`name="${name}" value="([^"]*)"`).exec(page)?.[1] ?? '';

  return {
    page: async (url: string): Promise<string> => (await send(url)).text(),
    /** Submits the form of this page with these fields. */
    submit: (url: string, page: string, fields: Record<string, string>): Promise<Response> =>
      send(url, { method: 'POST', body: new URLSearchParams({ xsrf: hidden(page, 'xsrf'), ...fields }) }),
    /** Opens a page; one that asks for a login or a consent gets it. */
    async go(url: string, person: string): Promise<Response> {
      const response = await send(url);
      const prompt = response.status === 200 ? hidden(await response.clone().text(), 'prompt') : '';
      if (prompt === '') return response;
      const body = new URLSearchParams({ prompt, login: person, password: 'any' });
      return send(url, { method: 'POST', body });
    },
  };
}
