import { canonicalJson } from '../../../call/canonical-json.ts';
import { randomBytes } from '../../../call/random.ts';
import type { Json, JsonObject } from '../../../call/json.ts';
import { corrupt, given, listAt, numberAt, objectWith, parsedHead, textAt } from '../approval-fields.ts';

/** Who may answer with a passkey, and as whom. */
export interface PasskeyPerson {
  /** 16 characters of base32 in lower case: what statements and the authenticator call it. */
  readonly id: string;
  /** How the operator calls it, such as `lead-laptop`: one person may have several keys. In no statement. */
  readonly name: string;
  readonly tenant: string;
  readonly issuer: string;
  readonly subject: string;
  readonly roles: readonly string[];
  readonly groups: readonly string[];
}

/** Somebody who may register a key: whoever has the token, once. */
export interface InvitedApprover extends PasskeyPerson {
  readonly invited: {
    /** Hex. The token itself is kept nowhere. */
    readonly tokenSha256: string;
    /** Wall milliseconds. */
    readonly notAfter: number;
  };
}

/** A passkey as it was registered. */
export interface Passkey {
  /** Base64. */
  readonly credentialId: string;
  /** SubjectPublicKeyInfo on P-256, DER in base64. */
  readonly publicKey: string;
  /** The domain that it signs for. */
  readonly rpId: string;
  /** What the authenticator said at the last answer: 0 of those that do not count. */
  readonly counter: number;
  /** Wall milliseconds. */
  readonly registeredAt: number;
}

export interface RegisteredApprover extends PasskeyPerson {
  readonly passkey: Passkey;
}

export type PasskeyApprover = InvitedApprover | RegisteredApprover;

/** Each is a head of the ledger, `approver/ID`, until it is revoked; its value is canonical JSON. */
export const approverPrefix = 'approver/';

/** Passkeys and invitations of one log. */
export const maxApprovers = 1_000;

export function approverKey({ id }: Pick<PasskeyPerson, 'id'>): string {
  return approverPrefix + id;
}

export function isRegistered(approver: PasskeyApprover): approver is RegisteredApprover {
  return 'passkey' in approver;
}

export function isApproverId(text: string): boolean {
  return idPattern.test(text);
}

export function newApproverId(): string {
  return Array.from(randomBytes(16), (byte) => alphabet[byte & 31]).join('');
}

/** Whether it can be read again: for what an operator wrote. */
export function canBeKept(approver: PasskeyApprover): boolean {
  try {
    parseApprover(approverKey(approver), encodeApprover(approver));
    return true;
  } catch {
    return false;
  }
}

export function encodeApprover(approver: PasskeyApprover): string {
  const { id, name, tenant, issuer, subject, roles, groups } = approver;
  const held: JsonObject = isRegistered(approver)
    ? { passkey: { ...approver.passkey } }
    : { invited: { ...approver.invited } };
  return canonicalJson({
    id,
    name,
    tenant,
    issuer,
    subject,
    roles: [...roles],
    groups: [...groups],
    ...held,
  });
}

/** @throws CountersignError `LEDGER_CORRUPT` for what is not exactly the text that a gate has set under this key. */
export function parseApprover(key: string, text: string): PasskeyApprover {
  const approver = readApprover(parsedHead(text, maxLength));
  if (encodeApprover(approver) !== text || approverKey(approver) !== key) throw corrupt();
  return approver;
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
const maxLength = 65_536;
const idPattern = /^[a-z2-7]{16}$/;
const namePattern = /^[\w.@-]{1,64}$/;
const textPattern = /^[^\p{Cc}]{1,512}$/u;
const base64Pattern = /^(?=.{4,2048}$)(?:[\w+/]{4})*(?:[\w+/]{2}==|[\w+/]{3}=)?$/;
const latest = 8_640_000_000_000_000;

function readApprover(value: Json): PasskeyApprover {
  const always = ['id', 'name', 'tenant', 'issuer', 'subject', 'roles', 'groups'];
  const object = objectWith(value, always, ['invited', 'passkey']);
  const texts = (name: string): readonly string[] =>
    listAt(object, name, 64, (one) => textAt({ one }, 'one', textPattern));
  const person: PasskeyPerson = {
    id: textAt(object, 'id', idPattern),
    name: textAt(object, 'name', namePattern),
    tenant: textAt(object, 'tenant', textPattern),
    issuer: textAt(object, 'issuer', textPattern),
    subject: textAt(object, 'subject', textPattern),
    roles: texts('roles'),
    groups: texts('groups'),
  };
  const { invited, passkey } = {
    ...given(object, 'invited', readInvited),
    ...given(object, 'passkey', readPasskey),
  };
  if (invited !== undefined && passkey === undefined) return { ...person, invited };
  if (passkey !== undefined && invited === undefined) return { ...person, passkey };
  throw corrupt();
}

function readInvited(value: Json): InvitedApprover['invited'] {
  const invited = objectWith(value, ['tokenSha256', 'notAfter']);
  return {
    tokenSha256: textAt(invited, 'tokenSha256', /^[0-9a-f]{64}$/),
    notAfter: numberAt(invited, 'notAfter', 0, latest),
  };
}

function readPasskey(value: Json): Passkey {
  const passkey = objectWith(value, ['credentialId', 'publicKey', 'rpId', 'counter', 'registeredAt']);
  return {
    credentialId: textAt(passkey, 'credentialId', base64Pattern),
    publicKey: textAt(passkey, 'publicKey', base64Pattern),
    rpId: textAt(passkey, 'rpId', /^[a-z0-9.-]{1,253}$/),
    counter: numberAt(passkey, 'counter', 0, 0xffff_ffff),
    registeredAt: numberAt(passkey, 'registeredAt', 0, latest),
  };
}
