import { compactVerify } from 'jose';
import { base64 } from '../../call/bytes.ts';
import { sha256, utf8 } from '../../call/sha256.ts';
import { importIssuerKey, type IssuerKey } from '../tokens/jwk.ts';
import { assertWithin, type TokenSpan } from '../tokens/token-claims.ts';
import { refuseGrant } from './grant-fault.ts';
import { grantType, type Grant } from './grant.ts';
import type { Granter, GranterSource } from './granter.ts';
import { readChain, type UnverifiedGrant } from './read-chain.ts';

/** A chain whose every signature holds. */
export interface VerifiedChain {
  /** The root first. */
  readonly grants: readonly Grant[];
  readonly granter: Granter;
  readonly tenant: string;
}

export interface GrantVerifier {
  /**
   * Verifies a chain; rejects with GRANT_INVALID, GRANT_FOREIGN or GRANT_EXPIRED. What was verified is remembered for a while;
   * whether its time has come is asked each time. `now` is wall milliseconds.
   */
  verify(text: string, now: number): Promise<VerifiedChain>;
}

interface Remembered {
  readonly chain: VerifiedChain;
  readonly spans: readonly TokenSpan[];
}

/** Of at most 32 KiB each. */
const rememberedChains = 256;

export function createGrantVerifier(granters: GranterSource): GrantVerifier {
  const remembered = new Map<string, Remembered>();
  const remember = (name: string, entry: Remembered): void => {
    const [oldest] = remembered.keys();
    if (remembered.size >= rememberedChains && oldest !== undefined) remembered.delete(oldest);
    remembered.set(name, entry);
  };
  return {
    async verify(text, now) {
      const { version, find } = granters();
      // The hash of the whole chain: another signature under claims that are known must not become their grant.
      const name = `${base64(sha256(utf8(text)))} ${version}`;
      const known = remembered.get(name);
      const { chain, spans } = known ?? (await verifyChain(text, find));
      for (const span of spans) assertWithin(span, now, refuseGrant);
      if (known === undefined) remember(name, { chain, spans });
      return chain;
    },
  };
}

/** Form first, then who granted, then each signature by the key of the one above. */
async function verifyChain(text: string, find: (name: string) => Granter | undefined): Promise<Remembered> {
  const links = readChain(text);
  const [root] = links as readonly [UnverifiedGrant, ...UnverifiedGrant[]];
  const granter = find(root.grant.issuer);
  if (granter === undefined) throw refuseGrant('ISSUER_UNKNOWN', 'is of nobody whose grants count here');
  if (granter.tenant !== root.claims.tenant)
    throw refuseGrant('SUBJECT_REFUSED', 'is for agents of a tenant that its granter has no say in');
  await verifyLinks(links, granter.keys);
  return {
    chain: { grants: links.map(({ grant }) => grant), granter, tenant: root.claims.tenant },
    spans: links.map(({ claims: { startsAt, expiresAt } }) => ({ startsAt, expiresAt })),
  };
}

/** Checks each signature: the root’s by one of these keys, every other’s by the key that the one above it names. */
export async function verifyLinks(
  links: readonly UnverifiedGrant[],
  rootKeys: readonly IssuerKey[],
): Promise<void> {
  let keys = rootKeys;
  for (const link of links) {
    await verifySignature(link, keys);
    keys = link.claims.holder === undefined ? [] : [link.claims.holder];
  }
}

async function verifySignature(
  { jws, header: { algorithm, keyId, type } }: UnverifiedGrant,
  keys: readonly IssuerKey[],
): Promise<void> {
  if (type !== grantType) throw refuseGrant('TYPE_REFUSED', `has another “typ” than ${grantType}`);
  if (keys.length === 0)
    throw refuseGrant('SIGNATURE_INVALID', 'was handed on from one that nobody may hand on');
  const fitting = keys.filter(
    (key) => key.algorithm === algorithm && (keyId === undefined || key.id === undefined || key.id === keyId),
  );
  for (const key of fitting) if (await isSigned(jws, key)) return;
  throw refuseGrant('SIGNATURE_INVALID', 'is not signed by whom it says that it is of');
}

async function isSigned(jws: string, key: IssuerKey): Promise<boolean> {
  try {
    await compactVerify(jws, await importIssuerKey(key), { algorithms: [key.algorithm] });
    return true;
  } catch {
    return false;
  }
}
