import { equalBytes } from '../call/bytes.ts';
import { isJsonObject } from '../call/json.ts';
import { base64url, concatBytes, fromHex, sha256, utf8 } from '../call/sha256.ts';
import { fail } from './codes.ts';
import { importP256, verifySignature } from './crypto.ts';
import { readUnambiguous } from './read-json.ts';

/** What an authenticator signed (https://www.w3.org/TR/webauthn-3/#sctn-verifying-assertion), and the key that is said to be its own. */
export interface PasskeyAssertion {
  /** SubjectPublicKeyInfo, DER, on P-256. */
  readonly publicKey: Uint8Array;
  /** The domain that the key is for. */
  readonly rpId: string;
  readonly authenticatorData: Uint8Array;
  readonly clientDataJson: Uint8Array;
  /** DER. */
  readonly signature: Uint8Array;
}

const code = 'APPROVAL_INVALID';

const userPresent = 0x01;
const userVerified = 0x04;
const hasCredential = 0x40;
const hasExtensions = 0x80;
/** Hash of the domain, flags, counter. */
const dataLength = 37;

/**
 * Requires that the key has signed this challenge, for its own domain, with its owner there and verified (PIN, finger, face).
 * `challenge` is hex. Fails with APPROVAL_INVALID.
 */
export async function requirePasskey(
  assertion: PasskeyAssertion,
  challenge: string,
  path: string,
): Promise<void> {
  requireAuthenticator(assertion, path);
  requireClient(assertion, challenge, path);
  await requireAssertionSignature(assertion, path);
}

/** That this key signed these bytes, whatever they say. Fails with APPROVAL_INVALID. */
export async function requireAssertionSignature(assertion: PasskeyAssertion, path: string): Promise<void> {
  const { authenticatorData, clientDataJson, signature } = assertion;
  const key = await importP256(assertion.publicKey);
  if (key === undefined) return fail(code, `${path}.publicKey`, 'This is no public key on P-256.');
  const signed = concatBytes(authenticatorData, sha256(clientDataJson));
  if (!(await verifySignature(key, signed, signature)))
    fail(code, `${path}.signature`, 'The passkey’s signature does not hold.');
}

function requireAuthenticator({ authenticatorData: data, rpId }: PasskeyAssertion, path: string): void {
  const at = `${path}.authenticatorData`;
  const flags = data[dataLength - 5] ?? 0;
  const isWhole = data.length === dataLength || (data.length > dataLength && (flags & hasExtensions) !== 0);
  if (!isWhole || (flags & hasCredential) !== 0)
    fail(code, at, 'This is no authenticator data of an assertion.');
  if (!equalBytes(data.subarray(0, 32), sha256(utf8(rpId))))
    fail(code, at, 'The passkey signed for another domain.');
  if ((flags & userPresent) === 0 || (flags & userVerified) === 0)
    fail(code, at, 'The passkey did not verify who used it.');
}

function requireClient({ clientDataJson, rpId }: PasskeyAssertion, challenge: string, path: string): void {
  const at = `${path}.clientDataJson`;
  const { value } = readUnambiguous(clientDataJson, code, at).root;
  const expected = fromHex(challenge);
  if (!isJsonObject(value) || value['type'] !== 'webauthn.get' || expected === undefined)
    return fail(code, at, 'The browser was not asked for an assertion.');
  if (value['challenge'] !== base64url(expected)) fail(code, at, 'The passkey signed something else.');
  const { origin, crossOrigin = false } = value;
  if (crossOrigin !== false || typeof origin !== 'string' || !isOf(rpId, origin))
    fail(code, at, 'The page that asked for it is not of the passkey’s domain.');
}

function isOf(rpId: string, origin: string): boolean {
  const { protocol, hostname } = URL.canParse(origin) ? new URL(origin) : { protocol: '', hostname: '' };
  const isSafe = protocol === 'https:' || (protocol === 'http:' && hostname === 'localhost');
  return isSafe && (hostname === rpId || hostname.endsWith(`.${rpId}`));
}
