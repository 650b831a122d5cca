import { ecdsaRaw } from '../../call/ecdsa-signature.ts';
import { parseJson } from '../../call/json-scan.ts';
import { isJsonObject, type Json, type JsonObject } from '../../call/json.ts';
import {
  base64,
  base64url,
  concatBytes,
  equalBytes,
  fromBase64,
  fromHex,
  fromUtf8,
  utf8,
} from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import { fromBase64url } from '../../gate/approvals/passkeys/challenges.ts';
import type { PasskeyVerifier } from '../../gate/approvals/passkeys/passkey-verifier.ts';

/** COSE's number of ECDSA on P-256 with SHA-256. */
const es256 = -7;
/** What comes before x, and before y, in the only form that CTAP allows for such a key (RFC 9053 §7.1.1, in canonical CBOR). */
const coseHead = fromHex('a5010203262001215820') ?? new Uint8Array();
const coseMiddle = fromHex('225820') ?? new Uint8Array();
/** A SubjectPublicKeyInfo on P-256 up to its point. */
const spkiHead = fromHex('3059301306072a8648ce3d020106082a8648ce3d03010703420004') ?? new Uint8Array();

/** Milliseconds that the browser waits for the person. */
const timeout = 120_000;
const maxPart = 4_096;
const name = 'Countersign';

/**
 * WebAuthn Level 3 by `@simplewebauthn/server`, for the page at this origin. Its library is loaded when the first key is used.
 *
 * @param origin such as `https://gate.example.org`; the keys are for its host.
 */
export function createPasskeyVerifier(origin: string): PasskeyVerifier {
  const rpId = new URL(origin).hostname;
  return {
    creation: (of, challenge) => ({
      rp: { id: rpId, name },
      user: { id: base64url(utf8(of.id)), name: of.name, displayName: of.name },
      challenge,
      pubKeyCredParams: [{ type: 'public-key', alg: es256 }],
      timeout,
      attestation: 'none',
      // Nobody is named before they have signed, so the authenticator has to know which key is for here.
      authenticatorSelection: {
        residentKey: 'required',
        requireResidentKey: true,
        userVerification: 'required',
      },
    }),
    request: (challenge, credentialId) => ({
      challenge,
      rpId,
      timeout,
      userVerification: 'required',
      allowCredentials:
        credentialId === undefined
          ? []
          : [{ type: 'public-key', id: base64url(fromBase64(credentialId) ?? new Uint8Array()) }],
    }),
    async registered(credential, isExpected) {
      const { id, response } = partsOf(credential);
      const told = {
        ...{ id, rawId: id, type: 'public-key' as const, clientExtensionResults: {} },
        response: {
          clientDataJSON: partOf(response, 'clientDataJSON'),
          attestationObject: partOf(response, 'attestationObject'),
        },
      };
      const { verifyRegistrationResponse } = await import('@simplewebauthn/server');
      const { verified, registrationInfo } = await unlessThrown(() =>
        verifyRegistrationResponse({
          response: told,
          expectedChallenge: isExpected,
          expectedOrigin: origin,
          expectedRPID: rpId,
          requireUserVerification: true,
          supportedAlgorithmIDs: [es256],
        }),
      );
      if (!verified) throw refused();
      const { publicKey, counter, id: credentialId } = registrationInfo.credential;
      if (credentialId !== id || !isPlain(told.response.clientDataJSON)) throw refused();
      const spki = spkiOf(publicKey);
      await unlessThrown(() => importPublicKey(spki));
      return { credentialId: base64(bytesOf(id)), publicKey: base64(spki), rpId, counter };
    },
    ownerOf(credential) {
      const { response } = partsOf(credential);
      const owner = fromBase64url(partOf(response, 'userHandle'));
      return (owner && fromUtf8(owner)) ?? '';
    },
    async asserted(credential, passkey, isExpected) {
      const { id, response } = partsOf(credential);
      if (base64(bytesOf(id)) !== passkey.credentialId || passkey.rpId !== rpId) throw refused();
      const told = {
        ...{ id, rawId: id, type: 'public-key' as const, clientExtensionResults: {} },
        response: {
          clientDataJSON: partOf(response, 'clientDataJSON'),
          authenticatorData: partOf(response, 'authenticatorData'),
          signature: partOf(response, 'signature'),
        },
      };
      const { verifyAuthenticationResponse } = await import('@simplewebauthn/server');
      const { verified, authenticationInfo } = await unlessThrown(() =>
        verifyAuthenticationResponse({
          response: told,
          expectedChallenge: isExpected,
          expectedOrigin: origin,
          expectedRPID: rpId,
          requireUserVerification: true,
          credential: { id, publicKey: coseOf(passkey.publicKey), counter: passkey.counter },
        }),
      );
      const { clientDataJSON, authenticatorData, signature } = told.response;
      if (!verified || !isPlain(clientDataJSON) || !isOneForm(authenticatorData, signature)) throw refused();
      return {
        counter: authenticationInfo.newCounter,
        assertion: {
          credentialId: passkey.credentialId,
          publicKey: passkey.publicKey,
          rpId,
          authenticatorData: base64(bytesOf(authenticatorData)),
          clientDataJson: base64(bytesOf(clientDataJSON)),
          signature: base64(bytesOf(signature)),
        },
      };
    },
  };
}

function partsOf(credential: Json | undefined): { readonly id: string; readonly response: JsonObject } {
  const object = isJsonObject(credential) ? credential : {};
  const { response } = object;
  if (!isJsonObject(response)) throw refused();
  return { id: partOf(object, 'id'), response };
}

/** Base64url of some bytes. */
function partOf(object: JsonObject, member: string): string {
  const text = object[member];
  if (typeof text !== 'string' || text === '' || text.length > maxPart) throw refused();
  bytesOf(text);
  return text;
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes = fromBase64url(text);
  if (bytes === undefined) throw refused();
  return bytes;
}

/** The library lets a page in another site's frame pass where the browser does not say whose, and JSON that has two readings. */
function isPlain(clientDataJson: string): boolean {
  try {
    const { root, ambiguities } = parseJson(bytesOf(clientDataJson));
    return ambiguities.length === 0 && isJsonObject(root.value) && isOfOwnFrame(root.value);
  } catch (error) {
    throw refused(error);
  }
}

function isOfOwnFrame({ crossOrigin = false }: JsonObject): boolean {
  return crossOrigin === false;
}

const hasCredential = 0x40;

/** The library takes a signature in other spellings too, and more than an assertion has: what counts here, anybody can verify later. */
function isOneForm(authenticatorData: string, signature: string): boolean {
  const flags = bytesOf(authenticatorData)[32] ?? hasCredential;
  return (flags & hasCredential) === 0 && ecdsaRaw(bytesOf(signature)) !== undefined;
}

/** Its messages quote what was sent: none of them goes further. */
async function unlessThrown<T>(check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    throw refused(error);
  }
}

function spkiOf(cose: Uint8Array): Uint8Array<ArrayBuffer> {
  const x = cose.subarray(coseHead.length, coseHead.length + 32);
  const y = cose.subarray(-32);
  if (!equalBytes(cose, concatBytes(coseHead, x, coseMiddle, y))) throw refused();
  return concatBytes(spkiHead, x, y);
}

function coseOf(spki: string): Uint8Array<ArrayBuffer> {
  const point = (fromBase64(spki) ?? new Uint8Array()).subarray(spkiHead.length);
  return concatBytes(coseHead, point.subarray(0, 32), coseMiddle, point.subarray(32));
}

/** Refuses a point that is not on the curve. */
function importPublicKey(spki: Uint8Array<ArrayBuffer>): Promise<unknown> {
  return crypto.subtle.importKey('spki', spki, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['verify']);
}

function refused(cause?: unknown): CountersignError {
  return new CountersignError(
    'APPROVER_REFUSED',
    'This passkey’s answer does not count: it is for something else, for another page, over, or not confirmed by its owner.',
    { cause },
  );
}
