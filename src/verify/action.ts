import { isJsonObject, type Json } from '../call/json.ts';
import { hex, sha256 } from '../call/sha256.ts';
import { fail } from './codes.ts';
import type { Verified } from './envelope.ts';
import { readUnambiguous } from './read-json.ts';

/**
 * Opens the statement's subject with the action document, the artifact that stock verifiers ask for. For statements of
 * ours it must also be the call that the statement names. Returns its value.
 */
export function openSubject({ statement, facts }: Verified, action: Uint8Array): Json | undefined {
  const digest = hex(sha256(action));
  if (!statement.subject.some((subject) => subject.sha256 === digest)) {
    fail('SUBJECT_MISMATCH', 'subject', 'The statement is not about this action document.');
  }
  if (facts === undefined) return undefined;
  const document = readUnambiguous(action, 'SUBJECT_MISMATCH', 'action').root.value;
  if (!isJsonObject(document) || document['callId'] !== facts.callId) {
    return fail('SUBJECT_MISMATCH', 'action.callId', 'The action document is of another call.');
  }
  if (facts.kind === 'outcome') return document;
  const { server, name } = facts.tool;
  if (document['server'] !== server || document['tool'] !== name) {
    fail('SUBJECT_MISMATCH', 'action.tool', 'The action document names another tool than the statement.');
  }
  return document;
}
