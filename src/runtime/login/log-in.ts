import { setTimeout as pause } from 'node:timers/promises';
import { deviceLogin, type DeviceLoginOptions } from './device-login.ts';
import type { LoginPlace } from './issuer.ts';
import { draftLogin, readLogin, type Login } from './login-file.ts';
import { withLoginLock } from './login-lock.ts';
import { revoke } from './logout.ts';

const lockWithinMs = 30_000;

/**
 * Logs a person in, and keeps what comes of it at `path`; a login before it ends.
 *
 * @throws CountersignError `LOGIN_FAILED`
 */
export async function logIn(
  path: string,
  place: LoginPlace,
  shown: Pick<DeviceLoginOptions, 'prompt' | 'waiting'>,
): Promise<Login> {
  // Nobody is sent to a page for what could not be kept.
  await withLoginLock(path, lockWithinMs, () => {
    draftLogin(path).discard();
    return Promise.resolve();
  });
  const login = await deviceLogin({ ...place, ...shown, pause });
  const former = await withLoginLock(path, lockWithinMs, () => Promise.resolve(replace(path, login)));
  if (former?.tokens && former.issuer === login.issuer && former.clientId === login.clientId)
    await revoke(place, former.tokens);
  return login;
}

/** The login before, if it can be read. */
function replace(path: string, login: Login): Login | undefined {
  const draft = draftLogin(path);
  try {
    const former = formerAt(path);
    draft.commit(login);
    return former;
  } finally {
    draft.discard();
  }
}

function formerAt(path: string): Login | undefined {
  try {
    return readLogin(path);
  } catch {
    return undefined;
  }
}
