import { equalBytes, utf8 } from '../call/sha256.ts';
import { parseCheckpoint } from '../tlog/checkpoint.ts';
import type { ParsedCheckpoint } from '../tlog/checkpoint.ts';
import { leafHash, verifyInclusion } from '../tlog/merkle.ts';
import { parseNote, signaturesBy } from '../tlog/note.ts';
import { signatureTypes } from '../tlog/vkey.ts';
import type { VerifierKey } from '../tlog/vkey.ts';
import type { LogEntry } from './bundle.ts';
import { attempt, fail } from './codes.ts';
import type { Failure } from './codes.ts';
import { readCosignatures } from './cosignatures.ts';
import type { Cosigned } from './cosignatures.ts';
import { ed25519Raw, verifySignature } from './crypto.ts';
import { isWithin, periodAcrossKeys } from './trust.ts';
import type { Log, Trust } from './trust.ts';

/** Where an envelope stands in which log, under a head that the log signed. */
export interface Place {
  readonly log: Log;
  readonly index: number;
  readonly treeSize: number;
  readonly rootHash: Uint8Array;
  /** Who of the witnesses that were named cosigned that head; absent when nobody did. */
  readonly cosigned?: Cosigned;
}

const entryField = 'verificationMaterial.tlogEntries[0]';
const proofField = `${entryField}.inclusionProof`;
const checkpointField = `${proofField}.checkpoint`;

/**
 * Checks the entry against the leaf that the envelope itself implies. Undefined after a failure, all of which are in
 * `failures`.
 */
export async function verifyLogEntry(
  entry: LogEntry | undefined,
  leaf: Uint8Array,
  trust: Trust,
  failures: Failure[],
  witnesses: readonly VerifierKey[] = [],
): Promise<Place | undefined> {
  const found = await attempt(failures, () => findLog(entry, trust));
  if (found === undefined) return undefined;
  const { proof, body, logIndex } = found.entry;
  const before = failures.length;
  await attempt(failures, () => {
    if (logIndex !== proof.logIndex) {
      fail('LOG_INDEX_MISMATCH', `${entryField}.logIndex`, 'Entry and proof state different indexes.');
    }
  });
  await attempt(failures, () => {
    if (!equalBytes(body, leaf)) {
      fail(
        'LEAF_MISMATCH',
        `${entryField}.canonicalizedBody`,
        'The logged entry is not about this envelope.',
      );
    }
  });
  await attempt(failures, () => verifyCheckpoint(proof, found.log));
  await attempt(failures, () => {
    const { logIndex: index, treeSize: size, rootHash: root, hashes } = proof;
    if (!verifyInclusion({ index, size, root, hashes, leafHash: leafHash(body) })) {
      fail('INCLUSION_INVALID', proofField, 'The proof does not lead from the entry to the root.');
    }
  });
  const cosigned = await attempt(failures, () => readCosignatures(proof.checkpoint, trust, witnesses));
  if (failures.length > before) return undefined;
  const { treeSize, rootHash } = proof;
  const log = withEarlierKeys(found.log, trust);
  return { log, index: logIndex, treeSize, rootHash, ...(cosigned && { cosigned }) };
}

/** A key that succeeded another signs heads over entries that are older than itself. */
function withEarlierKeys(log: Log, trust: Trust): Log {
  const { start } = periodAcrossKeys(log, trust);
  return start === log.validFor.start ? log : { ...log, validFor: { ...log.validFor, start } };
}

function findLog(entry: LogEntry | undefined, trust: Trust): { entry: LogEntry; log: Log } {
  if (entry === undefined) {
    return fail('LOG_ENTRY_MISSING', 'verificationMaterial.tlogEntries', 'There is no log entry.');
  }
  const log = trust.transparencyLogs.find(({ keyId }) => equalBytes(keyId, entry.keyId));
  return log === undefined
    ? fail('LOG_UNKNOWN', `${entryField}.logId.keyId`, 'The trust root does not name this log.')
    : { entry, log };
}

/** The signed head must be this log's, and the proof's own size and root must be the head's. */
async function verifyCheckpoint(proof: LogEntry['proof'], log: Log): Promise<void> {
  const checkpoint = await openCheckpoint(proof.checkpoint, log);
  if (checkpoint.origin !== log.origin) {
    fail('CHECKPOINT_INVALID', checkpointField, 'The checkpoint states another origin.');
  }
  if (checkpoint.size !== proof.treeSize || !equalBytes(checkpoint.root, proof.rootHash)) {
    fail('CHECKPOINT_INVALID', checkpointField, 'The checkpoint is of another tree than the proof.');
  }
}

/** Reads the checkpoint only after the log's signature held. Lines of other keys (witnesses) are not counted. */
async function openCheckpoint(text: string, log: Log): Promise<ParsedCheckpoint> {
  const note = parseNote(text) ?? fail('CHECKPOINT_INVALID', checkpointField, 'It is not a signed note.');
  const key = { name: log.origin, type: signatureTypes.ed25519, publicKey: ed25519Raw(log.key) };
  const lines = signaturesBy(note, key);
  if (lines.length !== 1) {
    return fail('CHECKPOINT_INVALID', checkpointField, 'It does not carry exactly one signature of the log.');
  }
  for (const { signature } of lines) {
    if (!(await verifySignature(log.key, utf8(note.text), signature))) {
      return fail('CHECKPOINT_INVALID', checkpointField, 'The log’s signature does not hold.');
    }
  }
  return parseCheckpoint(text) ?? fail('CHECKPOINT_INVALID', checkpointField, 'It is not a checkpoint.');
}

/** The entry was made when its signature was stamped, and its head was signed then or later: not by a key that had ended. */
export function requireLogValidAt(place: Place, time: number): void {
  if (!isWithin(place.log.validFor, time)) {
    fail(
      'LOG_UNKNOWN',
      `${entryField}.logId.keyId`,
      'The log’s key was not valid when the signature was stamped.',
    );
  }
}
