import { join } from 'node:path';
import { CountersignError } from '../../errors.ts';
import { resourceOf, type ActingConfig } from '../config/read-acting.ts';
import { assertPrivate } from '../home/open-home.ts';
import { readActingAt } from './human-token.ts';
import type { LoginPlace } from './issuer.ts';

/** What a folder's configuration says of logging in; undefined where it says nothing. Throws CONFIG_INVALID. */
export async function readLoginPlace(
  root: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<LoginPlace | undefined> {
  const acting = await readActingAt(root, env);
  return acting && placeIn(acting);
}

function placeIn(acting: ActingConfig): LoginPlace | undefined {
  const { login } = acting;
  return login && { config: login, resource: resourceOf(acting), fetch };
}

/**
 * The same where somebody is to log in: the folder has to be private, and its configuration to name this issuer.
 *
 * @param issuer Whom whoever logs in expects; the one that is configured unless told.
 * @throws CountersignError `CONFIG_INVALID`, `HOME_INVALID`
 */
export async function requireLoginPlace(
  root: string,
  env: Readonly<Record<string, string | undefined>>,
  issuer: string | undefined,
): Promise<LoginPlace> {
  const place = await readLoginPlace(root, env);
  if (place === undefined)
    throw new CountersignError(
      'CONFIG_INVALID',
      `${join(root, 'countersign.yaml')} has no section “login”: it says at which issuer, and as which client.`,
    );
  if (issuer !== undefined && issuer !== place.config.issuer)
    throw new CountersignError('CONFIG_INVALID', `The section “login” is about ${place.config.issuer}.`);
  assertPrivate(root);
  return place;
}
