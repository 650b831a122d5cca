import { concatBytes, equalBytes, utf8 } from '../../src/call/bytes.ts';
import { sha256 } from '../../src/call/sha256.ts';
import { octetString, oid, sequence, set, smallInteger, timeDigits, tlv } from '../../src/pki/der-write.ts';
import { tag } from '../../src/pki/der.ts';
import { oids } from '../../src/pki/oids.ts';
import type { TimestampResponse } from '../../src/pki/parse-timestamp.ts';
import type { SyncSigner } from '../../src/pki/signer.ts';

/** Parts of a token that no signature covers. */
export interface LooseParts {
  readonly status: readonly Uint8Array[];
  readonly digests: Uint8Array;
  readonly unsigned: readonly Uint8Array[];
  readonly certificates: readonly Uint8Array[];
  readonly digest: Uint8Array;
  readonly algorithm: Uint8Array;
}

const sha256Algorithm = sequence(oid(oids.sha256));

/** The token written anew, without the authority's certificate unless `change` puts it there. */
export function rewriteToken(response: TimestampResponse, change: Partial<LooseParts> = {}): Uint8Array {
  const loose: LooseParts = {
    status: [smallInteger(0)],
    digests: set(sha256Algorithm),
    unsigned: [],
    certificates: [],
    digest: sha256Algorithm,
    algorithm: sequence(oid(oids.ecdsaWithSha256)),
    ...change,
  };
  const signer = sequence(
    smallInteger(1),
    sequence(response.signerIssuer, tlv(tag.integer, response.signerSerial)),
    loose.digest,
    Uint8Array.of(tag.context(0), ...response.signedAttributes.subarray(1)),
    loose.algorithm,
    octetString(response.signature),
    ...loose.unsigned,
  );
  const signedData = sequence(
    smallInteger(3),
    loose.digests,
    sequence(oid(oids.tstInfo), tlv(tag.context(0), octetString(response.tstInfoBytes))),
    ...(loose.certificates.length > 0 ? [tlv(tag.context(0), ...loose.certificates)] : []),
    set(signer),
  );
  return sequence(sequence(...loose.status), sequence(oid(oids.signedData), tlv(tag.context(0), signedData)));
}

/**
 * What a careless authority would have answered: the same token for another time, signed by the authority's key, also where
 * its certificate had ended by then or not begun.
 */
export function moveToken(
  response: TimestampResponse,
  [from, to]: readonly [from: number, to: number],
  signer: SyncSigner,
): Uint8Array {
  const [then, now] = [utf8(timeDigits(from)), utf8(timeDigits(to))];
  const tstInfoBytes = replaceBytes(response.tstInfoBytes, then, now);
  const digests = [sha256(response.tstInfoBytes), sha256(tstInfoBytes)] as const;
  // `signingTime` writes the year in two digits.
  const attributes = replaceBytes(response.signedAttributes, then.subarray(2), now.subarray(2));
  const signedAttributes = replaceBytes(attributes, ...digests);
  const signature = signer.sign(signedAttributes);
  return rewriteToken({ ...response, tstInfoBytes, signedAttributes, signature });
}

/** The bytes with `from`, which must be there, become `to`. */
function replaceBytes(bytes: Uint8Array, from: Uint8Array, to: Uint8Array): Uint8Array {
  for (let at = 0; at + from.length <= bytes.length; at++) {
    const end = at + from.length;
    if (equalBytes(bytes.subarray(at, end), from)) {
      return concatBytes(bytes.subarray(0, at), to, bytes.subarray(end));
    }
  }
  throw new Error('what was to be replaced is not there');
}
