import { processRevocationResponse, revocationRequest } from 'oauth4webapi';
import { openIssuer, type LoginPlace } from './issuer.ts';
import { readLogin, removeLogin, type Login, type LoginTokens } from './login-file.ts';
import { withLoginLock } from './login-lock.ts';

/** What became of the tokens at their issuer. */
export type Revoked = 'revoked' | 'not-offered' | 'failed' | 'none';

const lockWithinMs = 30_000;

/**
 * Ends the login on record: here always, and at its issuer where that lets itself be told (RFC 7009). Undefined where nobody has
 * logged in.
 *
 * @param placeOf What the configuration says of the login's issuer; undefined when it is about another one.
 */
export async function logout(
  path: string,
  placeOf: (login: Login) => LoginPlace | undefined,
): Promise<Revoked | undefined> {
  return withLoginLock(path, lockWithinMs, async () => {
    const login = readIfUsable(path);
    removeLogin(path);
    if (login === undefined) return undefined;
    if (login === 'unusable' || login.tokens === undefined) return 'none';
    const place = placeOf(login);
    return place === undefined ? 'failed' : revoke(place, login.tokens);
  });
}

/** What cannot be read is removed all the same: that is how one comes out of it. */
function readIfUsable(path: string): Login | 'unusable' | undefined {
  try {
    return readLogin(path);
  } catch {
    return 'unusable';
  }
}

/** The refresh token alone where there is one: with it goes what was made of it (RFC 7009 §2.1). */
export async function revoke(place: LoginPlace, { access, refresh }: LoginTokens): Promise<Revoked> {
  try {
    const { server, client, authentication, http } = await openIssuer(place);
    if (server.revocation_endpoint === undefined) return 'not-offered';
    await processRevocationResponse(
      await revocationRequest(server, client, authentication, refresh ?? access, http),
    );
    return 'revoked';
  } catch {
    return 'failed';
  }
}
