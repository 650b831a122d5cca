import { commit, saltLength } from '../call/commitment.ts';
import { canonicalJson } from '../call/canonical-json.ts';
import { isJsonObject, type JsonObject } from '../call/json.ts';
import { openingField, type OpeningField } from '../call/opening.ts';
import { base64, hex, utf8 } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import { openSubject } from './action.ts';
import { fail } from './codes.ts';
import type { Verified } from './envelope.ts';
import { fieldsOf } from './fields.ts';
import { limits } from './limits.ts';
import { readUnambiguous } from './read-json.ts';

/** Somebody's claim that one field of one call was this: true if it opens the commitment that was signed. */
export interface Opening {
  readonly callId: string;
  /** As it was written: `/args/path`, `/principal/human/subject`. */
  readonly field: string;
  readonly place: OpeningField;
  readonly salt: Uint8Array;
  /** What was committed to: canonical JSON of an argument, or of a field of the principal; of every other field its exact text. */
  readonly bytes: Uint8Array;
}

const code = 'UNBOUND';
const fields = fieldsOf(code, code);

/** Reads `{callId, field, salt, value}`. Fails with INPUT_MALFORMED or TOO_LARGE, or with UNBOUND where it can open nothing. */
export function readOpening(bytes: Uint8Array): Opening {
  if (bytes.length > limits.result) fail('TOO_LARGE', 'opening', 'This is too large for an opening.');
  const { value } = readUnambiguous(bytes, 'INPUT_MALFORMED', 'opening').root;
  const opening = fields.object(value, 'opening', ['callId', 'field'], ['salt', 'value', 'sealed']);
  const field = fields.string(opening['field'], 'opening.field');
  const place = openingField(field);
  if (place === undefined) return fail(code, 'opening.field', 'No statement commits to such a field.');
  return {
    callId: fields.string(opening['callId'], 'opening.callId'),
    field,
    place,
    salt: readSalt(opening),
    bytes: readValue(opening, place),
  };
}

function readSalt(opening: JsonObject): Uint8Array {
  if (opening['sealed'] !== undefined)
    fail(code, 'opening.sealed', 'It is sealed: its recipient has to decrypt it first.');
  const salt = fields.bytes(opening['salt'], 'opening.salt', saltLength);
  // A shorter salt would let its end be taken from the value: two values for one commitment.
  return salt.length === saltLength ? salt : fail(code, 'opening.salt', `A salt has ${saltLength} bytes.`);
}

function readValue({ value }: JsonObject, place: OpeningField): Uint8Array {
  const path = 'opening.value';
  if (value === undefined) return fail(code, path, 'The value was not kept: whoever holds it has to add it.');
  if (!('pointer' in place)) return utf8(fields.string(value, path));
  try {
    return utf8(canonicalJson(value));
  } catch (thrown) {
    if (!(thrown instanceof CountersignError)) throw thrown;
    return fail(code, path, 'This value has no canonical form, so nothing was committed to.');
  }
}

/** The envelopes of the opening's call, each verified. */
export interface Envelopes {
  readonly verdict: Verified | undefined;
  readonly outcome: Verified | undefined;
}

/**
 * Fails with UNBOUND, or SUBJECT_MISMATCH for an action document, unless the opening opens what was signed. Returns the
 * field that it opened.
 */
export function requireOpening(opening: Opening, envelopes: Envelopes): string {
  const path = `opening ${opening.field}`;
  if (opening.place.kind === 'action') return requireAction(opening, envelopes, path);
  const commitment = commitmentOf(opening.place, envelopes);
  if (commitment === undefined)
    return fail(code, path, 'No statement that was given commits to this field by itself.');
  if (hex(commit(opening.salt, opening.bytes)) !== commitment)
    fail(code, path, 'This is not what was signed.');
  return opening.field;
}

function commitmentOf(place: OpeningField, { verdict, outcome }: Envelopes): string | undefined {
  const said = verdict?.facts?.kind === 'outcome' ? undefined : verdict?.facts;
  const did = outcome?.facts?.kind === 'outcome' ? outcome.facts : undefined;
  switch (place.kind) {
    case 'argument':
      return said?.arguments.get(place.pointer);
    case 'principal':
      return said?.committed.get(place.pointer);
    case 'params':
      return said?.params;
    case 'input':
      return said?.input;
    case 'result':
      return did?.result?.raw;
    case 'action':
      return undefined;
  }
}

/** The statements' subject is the digest of the document alone, which holds its own salt. */
function requireAction(
  { field, salt, bytes }: Opening,
  { verdict, outcome }: Envelopes,
  path: string,
): string {
  const envelope = verdict ?? outcome;
  const document = envelope && openSubject(envelope, bytes);
  if (!isJsonObject(document) || document['salt'] !== base64(salt))
    fail(code, path, 'This salt is not that of the action document.');
  return field;
}
