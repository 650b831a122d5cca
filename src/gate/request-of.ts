import type { Call } from '../call/call.ts';
import type { Principal } from '../identity/principal.ts';

/** What the person asked for: what they signed counts, else what the caller says that they asked. */
export function requestOf(
  { request }: Call,
  { grants }: Principal,
): { readonly text: string; readonly signed: boolean } | undefined {
  const signed = grants?.[0]?.request;
  const text = signed ?? request;
  return text === undefined ? undefined : { text, signed: signed !== undefined };
}
