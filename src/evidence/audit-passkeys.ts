import { canonicalJson } from '../call/canonical-json.ts';
import { isJsonObject, type Json, type JsonObject } from '../call/json.ts';
import { objectOr } from './object-or.ts';

/** A passkey and whose it is, as one text; undefined for a change that is about none. */
export function passkeyOfChange(
  predicate: JsonObject,
): { readonly kind: 'approver-added' | 'approver-revoked'; readonly passkey: string } | undefined {
  const change = objectOr(predicate['change']);
  const { kind, passkey } = change;
  if ((kind !== 'approver-added' && kind !== 'approver-revoked') || !isJsonObject(passkey)) return undefined;
  return { kind, passkey: textOf(change['tenant'], change, passkey) };
}

/** The same of an answer; undefined where it names no key. */
export function passkeyOfAnswer({ tenant, by, assertion }: JsonObject): string | undefined {
  return isJsonObject(assertion) ? textOf(tenant, objectOr(by), assertion) : undefined;
}

function textOf(tenant: Json | undefined, { issuer, subject }: JsonObject, key: JsonObject): string {
  const { credentialId, publicKey, rpId } = key;
  return canonicalJson(
    ['passkey', tenant, issuer, subject, credentialId, publicKey, rpId].map((each) => each ?? null),
  );
}
