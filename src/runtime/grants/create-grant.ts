import { sign } from 'node:crypto';
import { base64url } from '../../call/bytes.ts';
import type { Json, JsonObject } from '../../call/json.ts';
import { hex, sha256, utf8 } from '../../call/sha256.ts';
import { uuidv7 } from '../../call/uuid.ts';
import { CountersignError } from '../../errors.ts';
import { amountOf, conditionOf } from '../../gate/grants/compiled.ts';
import { grantType, isGranterName, parentName } from '../../identity/grants/grant.ts';
import { verifyLinks } from '../../identity/grants/grant-verifier.ts';
import { readChain, type UnverifiedGrant } from '../../identity/grants/read-chain.ts';
import { thumbprintOf } from '../../identity/tokens/jwk-thumbprint.ts';
import type { GrantKey } from './key-file.ts';

/** What is granted. */
export interface GrantOrder {
  /** Who grants, as the configuration names them; of a grant that is handed on the one above it says so. */
  readonly from: { readonly granter: string; readonly tenant: string } | { readonly parent: string };
  /** SPIFFE ID. */
  readonly agent: string;
  readonly tools: readonly string[];
  readonly when: readonly string[];
  readonly calls?: number;
  readonly budget?: { readonly limit: number; readonly amount: string };
  /** Milliseconds. */
  readonly lifetime: number;
  readonly request?: string;
  /** Public JWK of whoever may hand it on; absent where nobody may. */
  readonly holder?: JsonObject;
}

/** A new grant as a compact JWS. USAGE for what no gate would take; `now` is wall milliseconds. */
export async function createGrant(order: GrantOrder, key: GrantKey, now: number): Promise<string> {
  assertCompiles(order);
  if ('granter' in order.from && !isGranterName(order.from.granter))
    throw new CountersignError(
      'USAGE',
      'The granter is named as the gate knows them: letters, digits, . _ - and @.',
    );
  const above = 'parent' in order.from ? await parentOf(order.from.parent, key) : undefined;
  const text = signed(claimsOf(order, above, now), key);
  readOrRefuse(text);
  return text;
}

function claimsOf(order: GrantOrder, above: UnverifiedGrant | undefined, now: number): JsonObject {
  const { from, agent, tools, when, calls, budget, lifetime, request, holder } = order;
  const issued = Math.floor(now / 1_000);
  const expires = Math.floor((now + lifetime) / 1_000);
  return {
    ...('granter' in from
      ? { iss: from.granter, tenant: from.tenant }
      : { iss: parentName(hex(sha256(utf8(from.parent)))), tenant: above?.claims.tenant ?? '' }),
    sub: agent,
    jti: uuidv7(now),
    iat: issued,
    exp: expires,
    tools: [...tools],
    ...(when.length > 0 && { when: [...when] }),
    ...(calls !== undefined && { calls }),
    ...(budget && { budget: { ...budget } }),
    ...(request !== undefined && { request }),
    ...(holder && { cnf: { jwk: holder } }),
    ...('parent' in from && { parent: from.parent }),
  };
}

/** The grant that is handed on; its `cnf` has to name the key that hands it on. */
async function parentOf(text: string, key: GrantKey): Promise<UnverifiedGrant | undefined> {
  const links = readOrRefuse(text);
  const [root] = links;
  const last = links.at(-1);
  const holder = last?.claims.holder;
  if (holder === undefined || thumbprintOf(holder.jwk) !== thumbprintOf(key.jwk))
    throw new CountersignError('USAGE', 'The key is not the one that may hand this grant on.');
  // The root's own signature is the gate's to check: who holds a grant need not know the granter's key.
  if (root !== undefined && root.claims.holder !== undefined)
    await verifyLinks(links.slice(1), [root.claims.holder]);
  return last;
}

/** What a gate would refuse is refused where it can still be mended. */
function readOrRefuse(text: string): readonly UnverifiedGrant[] {
  try {
    return readChain(text);
  } catch (cause) {
    const message = cause instanceof CountersignError ? cause.message : 'This is no grant.';
    throw new CountersignError('USAGE', message, { cause });
  }
}

function assertCompiles({ when, budget }: GrantOrder): void {
  const wrong = when.find((source) => conditionOf(source) === 'invalid');
  if (wrong !== undefined)
    throw new CountersignError('USAGE', '--when takes a condition as in policy, which is true or false.');
  if (budget !== undefined && amountOf(budget.amount) === 'invalid')
    throw new CountersignError('USAGE', '--budget takes LIMIT=EXPRESSION, as in 1000=args.amount.');
}

function signed(claims: JsonObject, { key, algorithm, jwk }: GrantKey): string {
  const header: Record<string, Json> = { alg: algorithm, typ: grantType, kid: jwk['kid'] ?? '' };
  const input = [header, claims].map((part) => base64url(utf8(JSON.stringify(part)))).join('.');
  const signature =
    algorithm === 'EdDSA'
      ? sign(null, utf8(input), key)
      : sign('sha256', utf8(input), { key, dsaEncoding: 'ieee-p1363' });
  return `${input}.${base64url(signature)}`;
}
