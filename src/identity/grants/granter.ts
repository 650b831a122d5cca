import { isJsonObject, type Json } from '../../call/json.ts';
import { hex, sha256, utf8 } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import { thumbprintOf } from '../tokens/jwk-thumbprint.ts';
import { issuerKey, type IssuerKey } from '../tokens/jwk.ts';
import { grantAlgorithms, grantLimits, isGranterName } from './grant.ts';

/** Somebody whose grants count: a person, or a program that hands out tasks. */
export interface Granter {
  /** The claim `iss` of their grants, and what the statements say. */
  readonly name: string;
  readonly keys: readonly IssuerKey[];
  /** Whose agents the grants are for. */
  readonly tenant: string;
  /** The person that this is: then the grants are for nobody else’s calls. */
  readonly human?: { readonly issuer: string; readonly subject: string };
}

export interface Granters {
  /** Another text for others: what was verified under other granters does not count under these. */
  readonly version: string;
  find(name: string): Granter | undefined;
}

/** The granters of the moment. Asked at each call; throws when they cannot be read, which refuses every grant. */
export type GranterSource = () => Granters;

/** A granter as it is written in a configuration and in a home. */
export interface WrittenGranter {
  readonly name: string;
  /** Public JWKs. */
  readonly keys: readonly Json[];
  readonly tenant: string;
  readonly human?: { readonly issuer: string; readonly subject: string } | undefined;
}

/** Granters that stay these. Throws CONFIG_INVALID for a name that stands twice, and for keys that cannot be used. */
export function grantersOf(written: readonly WrittenGranter[]): Granters {
  if (written.length > grantLimits.granters)
    throw unusable(`there are more than ${grantLimits.granters} of them`);
  const byName = new Map(written.map((each) => [each.name, granterOf(each)]));
  if (byName.size < written.length) throw unusable('two of them have one name');
  return {
    version: hex(sha256(utf8(JSON.stringify(written)))),
    find: (name) => byName.get(name),
  };
}

/** Those of several sources; of one name in two of them the first. */
export function joinGranters(sources: readonly GranterSource[]): GranterSource {
  return () => {
    const all = sources.map((source) => source());
    return {
      version: all.map(({ version }) => version).join(' '),
      find: (name) => all.map((each) => each.find(name)).find((found) => found !== undefined),
    };
  };
}

function granterOf({ name, keys, tenant, human }: WrittenGranter): Granter {
  if (!isGranterName(name))
    throw unusable('a name is of letters, digits, dots, dashes, underscores and @, at most 128');
  if (keys.length === 0 || keys.length > grantLimits.keys)
    throw unusable(`${name} has no key, or more than ${grantLimits.keys}`);
  const read = keys.map((key) => granterKey(key) ?? refuseKey(name));
  return { name, keys: read, tenant, ...(human && { human }) };
}

/** A public JWK as a key of a granter; undefined for one that cannot be used, or that is not public. */
export function granterKey(jwk: Json): IssuerKey | undefined {
  const key = isJsonObject(jwk) ? issuerKey(jwk, grantAlgorithms) : undefined;
  return key && thumbprintOf(key.jwk) !== undefined ? key : undefined;
}

function refuseKey(name: string): never {
  throw unusable(`a key of ${name} is no public JWK for ES256 or EdDSA`);
}

function unusable(why: string): CountersignError {
  return new CountersignError('CONFIG_INVALID', `These granters cannot be used: ${why}.`);
}
