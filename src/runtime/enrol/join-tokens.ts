import { createHmac, timingSafeEqual } from 'node:crypto';
import { randomBytes } from '../../call/random.ts';
import { fromBase64, fromHex, hex, sha256, utf8 } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import type { RecordChange } from '../../gate/changes.ts';
import type { HeadExpectation, Ledger } from '../../ledger/ledger.ts';

/**
 * One-time tokens by which a workload joins. Each is a head of the ledger: that it is there and that the log says so become true
 * together, as do the certificate and that the token is used. So of several gates that are shown it one issues, also over a crash.
 *
 * The head holds who the token is for, under a MAC over both that only the home's own key makes: whoever can write the ledger can
 * neither make a token nor make one that he was given speak for somebody else.
 */
export interface JoinToken {
  /** Public: how statements name it. */
  readonly id: string;
  /** SPIFFE ID. */
  readonly agent: string;
  readonly tenant: string;
  /** Wall milliseconds. */
  readonly notAfter: number;
}

/** A token that was found, and what to expect of the ledger when it is used. */
export interface FoundToken {
  readonly token: JoinToken;
  readonly expects: HeadExpectation;
  /** The certificate that was issued for it, DER; absent while it is unused. */
  readonly certificate?: Uint8Array;
}

interface StoredToken extends Omit<JoinToken, 'id'> {
  /** Hex. */
  readonly mac: string;
  /** Base64 of DER: for the holder of its key, to whom the answer may have been lost. */
  readonly certificate?: string;
}

const prefix = 'cs_join_';
const secretBytes = 32;
const pattern = new RegExp(`^${prefix}[0-9a-f]{${2 * secretBytes}}$`);
const headOf = (id: string): string => `join-token/${id}`;

export interface JoinTokenRequest {
  readonly agent: string;
  readonly tenant: string;
  readonly notAfter: number;
}

/** Makes a token and says so in the log. Its text is shown once and kept nowhere. */
export async function createJoinToken(
  recordChange: RecordChange,
  tokenKey: Uint8Array,
  request: JoinTokenRequest,
): Promise<JoinToken & { readonly text: string }> {
  const text = prefix + hex(randomBytes(secretBytes));
  const token: JoinToken = { ...request, id: idOf(text) };
  const key = headOf(token.id);
  await recordChange({
    change: {
      kind: 'join-token-created',
      id: token.id,
      agent: token.agent,
      tenant: token.tenant,
      notAfter: new Date(token.notAfter).toISOString(),
    },
    expects: [{ key, value: null }],
    sets: [{ key, value: encode(tokenKey, text, token) }],
  });
  return { ...token, text };
}

/** Looks a token up, used or not. JOIN_TOKEN_UNKNOWN, which repeats nothing of it, and JOIN_TOKEN_EXPIRED. */
export async function findJoinToken(
  ledger: Pick<Ledger, 'heads'>,
  tokenKey: Uint8Array,
  text: string,
  now: number,
): Promise<FoundToken> {
  if (!pattern.test(text)) throw unknown();
  const id = idOf(text);
  const key = headOf(id);
  const value = (await ledger.heads([key])).get(key);
  if (value === undefined) throw unknown();
  const { mac, certificate, ...stored } = JSON.parse(value) as StoredToken;
  const token = { id, agent: stored.agent, tenant: stored.tenant, notAfter: stored.notAfter };
  if (!isOurs(tokenKey, text, token, mac)) throw unknown();
  const issued = certificate === undefined ? undefined : fromBase64(certificate);
  const found = { token, expects: { key, value }, ...(issued && { certificate: issued }) };
  if (now < token.notAfter) return found;
  throw issued
    ? used(token)
    : new CountersignError(
        'JOIN_TOKEN_EXPIRED',
        `The join token ${id} ended at ${new Date(token.notAfter).toISOString()}.`,
      );
}

/** What the head of a used token says. */
export function usedToken({ expects }: FoundToken, certificate: string): { key: string; value: string } {
  const stored = JSON.parse(expects.value ?? '') as StoredToken;
  return { key: expects.key, value: JSON.stringify({ ...stored, certificate } satisfies StoredToken) };
}

export function used({ id }: JoinToken): CountersignError {
  return new CountersignError(
    'JOIN_TOKEN_USED',
    `The join token ${id} was used. If not by you, then somebody else has a certificate for this agent: revoke it.`,
  );
}

function unknown(): CountersignError {
  return new CountersignError('JOIN_TOKEN_UNKNOWN', 'This is no join token of this home.');
}

/** 96 bits of its digest: enough to tell tokens apart, and nothing to find one by. */
function idOf(text: string): string {
  return `join-${hex(sha256(utf8(text)).subarray(0, 12))}`;
}

function encode(tokenKey: Uint8Array, text: string, token: JoinToken): string {
  const { agent, tenant, notAfter } = token;
  const mac = hex(macOf(tokenKey, text, token));
  return JSON.stringify({ agent, tenant, notAfter, mac } satisfies StoredToken);
}

function isOurs(tokenKey: Uint8Array, text: string, token: JoinToken, mac: string): boolean {
  const expected = macOf(tokenKey, text, token);
  const given = fromHex(mac);
  return given?.length === expected.length && timingSafeEqual(given, expected);
}

function macOf(tokenKey: Uint8Array, text: string, { agent, tenant, notAfter }: JoinToken): Uint8Array {
  return createHmac('sha256', tokenKey)
    .update(JSON.stringify([text, agent, tenant, notAfter]))
    .digest();
}
