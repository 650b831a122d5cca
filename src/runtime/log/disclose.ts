import { parseJson } from '../../call/json-scan.ts';
import type { Json, JsonObject } from '../../call/json.ts';
import { openingField, type OpeningField } from '../../call/opening.ts';
import { resolve } from '../../call/pointer.ts';
import { base64, fromUtf8, utf8 } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import { sealedName, unsealRow } from '../../gate/sealed-row.ts';
import type { Ledger, SideRow } from '../../ledger/ledger.ts';
import { readHpkePrivateKey, type HpkeKey } from '../../pki/hpke.ts';

/** What opens one commitment of a call's statements. */
export interface Opening {
  readonly callId: string;
  /** `/args/path`, `/principal/human/subject`, `action`, `params`, `input` or `result`. */
  readonly field: string;
  /** Base64. */
  readonly salt: string;
  /** The JSON value of an argument or of a field of the principal; of the other fields the exact text. Absent when policy had the salt kept alone. */
  readonly value?: Json;
}

/** The same, for the one alone who holds the private key. */
export interface SealedOpening {
  readonly callId: string;
  readonly field: string;
  /** See `gate/sealed-row.ts`. */
  readonly sealed: Json;
}

/**
 * What the side store holds to open this field. NOT_FOUND: no statement of the call commits to it. PLAINTEXT_MISSING: it was
 * not kept, or was erased.
 */
export async function disclose(
  ledger: Ledger,
  callId: string,
  field: string,
): Promise<Opening | SealedOpening> {
  const place = placeOf(field);
  await requireCommitment(ledger, callId, place, field);
  const rows = new Map((await ledger.side(callId)).map((row) => [row.name, row]));
  const name = rowName(place);
  const sealed = rows.get(sealedName(name));
  if (sealed !== undefined) return { callId, field, sealed: jsonOf(sealed.value) };
  const row = rows.get(name);
  if (row === undefined) {
    throw new CountersignError(
      'PLAINTEXT_MISSING',
      `What opens ${field} of call ${callId} was not kept, or was erased.`,
    );
  }
  return openingOf(callId, field, place, row, argumentIn(rows.get('action'), place));
}

/** Opens a sealed opening with its recipient's private key: PLAINTEXT_MISSING when it is not theirs, or was changed. */
export async function unseal({ callId, field, sealed }: SealedOpening, key: HpkeKey): Promise<Opening> {
  const place = placeOf(field);
  const value = utf8(JSON.stringify(sealed));
  const row = await unsealRow(
    callId,
    { name: sealedName(rowName(place)), salt: new Uint8Array(), value },
    key,
  );
  if (row === undefined) {
    throw new CountersignError(
      'PLAINTEXT_MISSING',
      `This key does not open ${field} of call ${callId}: it was sealed to another, for another field, or was changed.`,
    );
  }
  return openingOf(callId, field, place, row, undefined);
}

/** CONFIG_INVALID when this is no private key of a kind that plaintext is sealed to. */
export async function readAuditorKey(text: string): Promise<HpkeKey> {
  const key = await readHpkePrivateKey(text);
  if (key !== undefined) return key;
  throw new CountersignError(
    'CONFIG_INVALID',
    'This is no private key of P-256 or X25519: give it as PKCS#8 in PEM, without a passphrase, or as a JWK.',
  );
}

function placeOf(field: string): OpeningField {
  const place = openingField(field);
  if (place !== undefined) return place;
  throw new CountersignError(
    'USAGE',
    `“${field}” is no field: name a whole argument, as in /args/path, a field of who called, as in /principal/human/subject, or action, params, input, result.`,
  );
}

function rowName(place: OpeningField): string {
  switch (place.kind) {
    case 'argument':
      return `arguments${place.pointer}`;
    case 'principal':
      return `principal${place.pointer}`;
    case 'result':
      return 'result/raw';
    case 'action':
    case 'params':
    case 'input':
      return place.kind;
  }
}

function openingOf(
  callId: string,
  field: string,
  place: OpeningField,
  { salt, value: bytes }: SideRow,
  elsewhere: Json | undefined,
): Opening {
  const isJson = place.kind === 'argument' || place.kind === 'principal';
  const text = isJson ? bytes && jsonOf(bytes) : bytes && fromUtf8(bytes);
  const value = text ?? elsewhere;
  return { callId, field, salt: base64(salt), ...(value !== undefined && { value }) };
}

/** An argument that is not kept by itself stands in the action document, where that is kept. */
function argumentIn(action: SideRow | undefined, place: OpeningField): Json | undefined {
  if (place.kind !== 'argument' || action?.value === undefined) return undefined;
  const given = (jsonOf(action.value) as JsonObject)['arguments'];
  return given === undefined ? undefined : resolve(given, place.pointer);
}

function jsonOf(bytes: Uint8Array | undefined): Json {
  return parseJson(bytes ?? new Uint8Array()).root.value;
}

async function requireCommitment(
  ledger: Ledger,
  callId: string,
  place: OpeningField,
  field: string,
): Promise<void> {
  const entries = await ledger.entriesOfCall(callId);
  if (entries.length === 0) throw new CountersignError('NOT_FOUND', `The log has no call ${callId}.`);
  const committed = entries.some(({ payload }) => {
    const { predicate } = jsonOf(payload) as { predicate: JsonObject };
    if (place.kind === 'action') return true;
    const part = committedPart(predicate, place);
    return 'pointer' in place
      ? part !== undefined && Object.hasOwn(part as JsonObject, place.pointer)
      : part !== undefined;
  });
  if (committed) return;
  throw new CountersignError(
    'NOT_FOUND',
    `No statement of call ${callId} commits to ${field} by itself; the action document (--field action) holds all arguments.`,
  );
}

function committedPart(predicate: JsonObject, { kind }: OpeningField): Json | undefined {
  switch (kind) {
    case 'argument':
      return predicate['arguments'];
    case 'principal':
      return resolve(predicate, '/principal/committed');
    default:
      return predicate[kind];
  }
}
