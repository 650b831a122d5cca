import { SignJWT } from 'jose';
import { hex, sha256, utf8 } from '../../../src/call/sha256.ts';
import { grantType, parentName } from '../../../src/identity/grants/grant.ts';
import { grantersOf, type GranterSource, type WrittenGranter } from '../../../src/identity/grants/granter.ts';
import { seconds, type Claims, type TestKey } from '../tokens/tokens.ts';

export const planner = 'spiffe://plant.test/agent/planner';
export const mailer = 'spiffe://plant.test/agent/mailer';
export const granterName = 'shift-lead';

/** Claims of a good grant to the planner. */
export function grantClaims(changes: Claims = {}): Claims {
  return {
    iss: granterName,
    sub: planner,
    tenant: 'default',
    jti: 'task-1',
    iat: seconds - 60,
    exp: seconds + 3_600,
    tools: ['files/*'],
    ...changes,
  };
}

export function signGrant(
  key: TestKey,
  claims: Claims = grantClaims(),
  header: Claims = {},
): Promise<string> {
  return new SignJWT({ ...claims })
    .setProtectedHeader({ alg: key.algorithm, kid: key.id, typ: grantType, ...header })
    .sign(key.privateKey);
}

/** What `cnf` says of whoever may hand a grant on. */
export function heldBy({ jwk }: TestKey): Claims {
  return { cnf: { jwk } };
}

/** A grant that was handed on to the mailer. */
export function handOn(
  key: TestKey,
  parent: string,
  changes: Claims = {},
  header: Claims = {},
): Promise<string> {
  const iss = parentName(hex(sha256(utf8(parent))));
  return signGrant(key, grantClaims({ iss, sub: mailer, jti: 'part-1', parent, ...changes }), header);
}

export function granterWith(key: TestKey, changes: Partial<WrittenGranter> = {}): WrittenGranter {
  return { name: granterName, keys: [key.jwk], tenant: 'default', ...changes };
}

export function trusting(...granters: readonly WrittenGranter[]): GranterSource {
  const known = grantersOf(granters);
  return () => known;
}
