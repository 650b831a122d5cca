import { createHash, randomBytes } from 'node:crypto';

export interface LoginOptions {
  readonly issuer: string;
  /** Whom the token is for: the gateway. */
  readonly resource: string;
  readonly redirectUri: string;
  readonly person: string;
}

/** Logs a person in as their browser would, and gets the access token that their agent carries (RFC 6749, 7636, 8707). */
export async function login({ issuer, resource, redirectUri, person }: LoginOptions): Promise<string> {
  const browser = newBrowser(issuer);
  const verifier = randomBytes(32).toString('base64url');
  const client = { client_id: 'maintenance-agent', redirect_uri: redirectUri, resource };
  const question = new URLSearchParams({
    ...client,
    response_type: 'code',
    scope: 'openid call',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  let at = await browser.get(`/auth?${question.toString()}`);
  while (!at.startsWith(redirectUri)) at = await browser.answer(at, person);

  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      ...client,
      grant_type: 'authorization_code',
      code: new URL(at).searchParams.get('code') ?? '',
      code_verifier: verifier,
    }),
  });
  const { access_token: token } = (await response.json()) as { access_token?: string };
  if (token === undefined) throw new Error(`Nobody was logged in (${response.status}).`);
  return token;
}

/** Cookies, redirects, and the two pages that the provider shows. */
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
  const redirected = (response: Response): string => {
    const location = response.headers.get('location');
    if (location === null)
      throw new Error(`The provider answered with ${response.status} and no place to go.`);
    return location;
  };

  return {
    /** Where a page sends its reader. */
    get: async (url: string): Promise<string> => redirected(await send(url)),
    /** Fills in a page of the provider, or goes on where it is none. */
    async answer(url: string, person: string): Promise<string> {
      const page = await send(url);
      if (page.status !== 200) return redirected(page);
      const [, prompt = ''] = /name="prompt" value="(\w+)"/.exec(await page.text()) ?? [];
      const body = new URLSearchParams({ prompt, login: person, password: 'any' });
      return redirected(await send(url, { method: 'POST', body }));
    },
  };
}
