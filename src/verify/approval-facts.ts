import { isJsonObject, type Json, type JsonObject } from '../call/json.ts';
import { fail } from './codes.ts';
import { fieldsOf } from './fields.ts';
import type { PasskeyAssertion } from './passkey.ts';
import { parseUtc } from './rfc3339.ts';
import { hexDigest, objectAt } from './statement.ts';

/** What a rule demands, as the verdict's obligations state it. */
export interface ApprovalTerms {
  readonly rule: string;
  readonly from: readonly string[];
  readonly count: number;
  /** Milliseconds. */
  readonly within: number;
  readonly by: 'any' | 'passkey';
}

export interface GrantFacts {
  readonly by: 'operator' | { readonly issuer: string; readonly subject: string };
  readonly as: string;
  readonly method: 'terminal' | 'token' | 'passkey';
  readonly at: number;
  /** Hex SHA-256 of the statement that says so. */
  readonly statement: string;
  readonly assertion?: PasskeyAssertion;
}

/** One approval that an ALLOW states. Times are wall milliseconds. */
export interface ApprovalFacts extends ApprovalTerms {
  readonly id: string;
  readonly request: { readonly sha256: string; readonly covers: 'arguments' | 'params' };
  readonly requestedAt: number;
  readonly expiresAt: number;
  readonly grants: readonly GrantFacts[];
}

export interface StatedApprovals {
  readonly demanded: readonly ApprovalTerms[];
  readonly given: readonly ApprovalFacts[];
}

const code = 'STATEMENT_MALFORMED';
const root = 'payload.predicate';
const fields = fieldsOf(code, code);

/** Undefined where nothing was demanded and nothing is stated. Fails with STATEMENT_MALFORMED. */
export function readApprovals(predicate: JsonObject): StatedApprovals | undefined {
  const obligations = predicate['obligations'];
  const demanded = Array.isArray(obligations)
    ? obligations.flatMap((one, i) => (isApproval(one) ? [readDemand(one, `${root}.obligations[${i}]`)] : []))
    : [];
  const stated = predicate['approvals'];
  if (stated === undefined && demanded.length === 0) return undefined;
  const given = fields
    .array(stated ?? [], `${root}.approvals`)
    .map((one, i) => readApproval(one, `${root}.approvals[${i}]`));
  return { demanded, given };
}

function isApproval(obligation: Json): obligation is JsonObject {
  return isJsonObject(obligation) && obligation['type'] === 'approval';
}

function readDemand(obligation: JsonObject, path: string): ApprovalTerms {
  return { ...readTerms(obligation, path), within: countAt(obligation['within'], `${path}.within`) };
}

function readApproval(value: Json, path: string): ApprovalFacts {
  const approval = objectAt(value, path);
  const request = objectAt(approval['request'], `${path}.request`);
  const requestedAt = timeAt(approval['requestedAt'], `${path}.requestedAt`);
  const expiresAt = timeAt(approval['expiresAt'], `${path}.expiresAt`);
  return {
    ...readTerms(approval, path),
    id: fields.string(approval['id'], `${path}.id`),
    request: {
      sha256: hexDigest(request['sha256'], `${path}.request.sha256`),
      covers: oneOf(['arguments', 'params'], request['covers'], `${path}.request.covers`),
    },
    within: expiresAt - requestedAt,
    requestedAt,
    expiresAt,
    grants: fields
      .array(approval['grants'], `${path}.grants`)
      .map((one, i) => readGrant(one, `${path}.grants[${i}]`)),
  };
}

function readTerms(terms: JsonObject, path: string): Omit<ApprovalTerms, 'within'> {
  return {
    rule: fields.string(terms['rule'], `${path}.rule`),
    from: fields
      .array(terms['from'], `${path}.from`)
      .map((one, i) => fields.string(one, `${path}.from[${i}]`)),
    count: countAt(terms['count'], `${path}.count`),
    by: oneOf(['any', 'passkey'], terms['by'], `${path}.by`),
  };
}

function readGrant(value: Json, path: string): GrantFacts {
  const grant = objectAt(value, path);
  const statement = objectAt(grant['statement'], `${path}.statement`);
  const { assertion } = grant;
  return {
    by: readBy(grant['by'], `${path}.by`),
    as: fields.string(grant['as'], `${path}.as`),
    method: oneOf(['terminal', 'token', 'passkey'], grant['method'], `${path}.method`),
    at: timeAt(grant['at'], `${path}.at`),
    statement: hexDigest(statement['sha256'], `${path}.statement.sha256`),
    ...(assertion !== undefined && { assertion: readAssertion(assertion, `${path}.assertion`) }),
  };
}

function readBy(value: Json | undefined, path: string): GrantFacts['by'] {
  if (value === 'operator') return value;
  const person = fields.object(value, path, ['issuer', 'subject']);
  return {
    issuer: fields.string(person['issuer'], `${path}.issuer`),
    subject: fields.string(person['subject'], `${path}.subject`),
  };
}

const maxAssertionPart = 4_096;

function readAssertion(value: Json, path: string): PasskeyAssertion {
  const parts = ['credentialId', 'publicKey', 'authenticatorData', 'clientDataJson', 'signature'];
  const assertion = fields.object(value, path, ['rpId', ...parts]);
  const bytes = (name: string): Uint8Array =>
    fields.bytes(assertion[name], `${path}.${name}`, maxAssertionPart);
  bytes('credentialId');
  return {
    rpId: fields.string(assertion['rpId'], `${path}.rpId`),
    publicKey: bytes('publicKey'),
    authenticatorData: bytes('authenticatorData'),
    clientDataJson: bytes('clientDataJson'),
    signature: bytes('signature'),
  };
}

function oneOf<T extends string>(choices: readonly T[], value: Json | undefined, path: string): T {
  return (
    choices.find((choice) => choice === value) ?? fail(code, path, `This must be ${choices.join(' or ')}.`)
  );
}

function countAt(value: Json | undefined, path: string): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
    ? value
    : fail(code, path, 'This must be a count of one or more.');
}

function timeAt(value: Json | undefined, path: string): number {
  return parseUtc(fields.string(value, path)) ?? fail(code, path, 'This must be an RFC 3339 time in UTC.');
}
