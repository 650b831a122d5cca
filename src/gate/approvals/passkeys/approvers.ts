import { base64url, hex, sha256, utf8 } from '../../../call/sha256.ts';
import { randomBytes } from '../../../call/random.ts';
import { CountersignError } from '../../../errors.ts';
import type { Ledger } from '../../../ledger/ledger.ts';
import type { RecordChange } from '../../changes.ts';
import {
  approverKey,
  approverPrefix,
  canBeKept,
  encodeApprover,
  isApproverId,
  isRegistered,
  maxApprovers,
  newApproverId,
  parseApprover,
  type InvitedApprover,
  type Passkey,
  type PasskeyApprover,
  type PasskeyPerson,
  type RegisteredApprover,
} from './approver-heads.ts';

/** Milliseconds for which an invitation counts. */
export const invitationLifetime = 24 * 3_600_000;

export interface ApproverParts {
  readonly ledger: Pick<Ledger, 'heads' | 'headsUnder'>;
  readonly recordChange: RecordChange;
  /** Wall milliseconds. */
  readonly now: number;
}

/** Everybody who has a passkey here, or may register one, by name. */
export async function listApprovers(ledger: Pick<Ledger, 'headsUnder'>): Promise<readonly PasskeyApprover[]> {
  const heads = await ledger.headsUnder(approverPrefix);
  return [...heads]
    .map(([key, text]) => parseApprover(key, text))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

/**
 * Lets one person register one passkey. What they may approve is what is said of them here, until it is revoked. The token is given
 * once, and kept nowhere.
 *
 * @throws CountersignError `USAGE` for a name that is taken or what cannot be kept, `TOO_MANY_OPEN` for one too many.
 */
export async function inviteApprover(
  { ledger, recordChange, now }: ApproverParts,
  person: Omit<PasskeyPerson, 'id'>,
): Promise<{ readonly approver: InvitedApprover; readonly token: string }> {
  const all = await listApprovers(ledger);
  const isOver = (each: PasskeyApprover): boolean => !isRegistered(each) && each.invited.notAfter <= now;
  const over = all.filter(isOver);
  if (all.some((each) => each.name === person.name && !isOver(each)))
    throw new CountersignError(
      'USAGE',
      'There is an approver of this name: take another one, or revoke that.',
    );
  if (all.length - over.length >= maxApprovers)
    throw new CountersignError('TOO_MANY_OPEN', `There are ${maxApprovers} approvers: revoke some first.`);
  const id = newApproverId();
  const token = `${id}.${base64url(randomBytes(32))}`;
  const notAfter = now + invitationLifetime;
  const approver = { id, ...person, invited: { tokenSha256: digestOf(token), notAfter } };
  if (!canBeKept(approver))
    throw new CountersignError(
      'USAGE',
      'A name has letters, digits and .@_-, 64 at most; issuer, subject, roles and groups are lines of 512 characters at most.',
    );
  await recordChange({
    change: { kind: 'approver-invited', ...stated(approver), notAfter: new Date(notAfter).toISOString() },
    // One that is over may be used up this moment: what it has become is not dropped.
    expects: [
      ...over.map((each) => ({ key: approverKey(each), value: encodeApprover(each) })),
      { key: approverKey(approver), value: null },
    ],
    sets: [
      ...over.map((each) => ({ key: approverKey(each), value: null })),
      { key: approverKey(approver), value: encodeApprover(approver) },
    ],
  });
  return { approver, token };
}

/**
 * Whom a token invites.
 *
 * @throws CountersignError `NOT_FOUND` for one that was used, has ended, was revoked, or never was.
 */
export async function invitedBy(
  ledger: Pick<Ledger, 'heads'>,
  token: string,
  now: number,
): Promise<InvitedApprover> {
  const [id = ''] = token.split('.');
  const approver = await approverById(ledger, id);
  const isGenuine =
    approver !== undefined && !isRegistered(approver) && approver.invited.tokenSha256 === digestOf(token);
  if (isGenuine && now < approver.invited.notAfter) return approver;
  throw new CountersignError(
    'NOT_FOUND',
    'This link was used, has ended, or never was. Whoever runs the gateway can make another: countersign approver add',
  );
}

/** The invitation becomes the passkey, in one transaction with the statement: of two that use it at once, one is late. */
export async function registerPasskey(
  { recordChange, now }: Pick<ApproverParts, 'recordChange' | 'now'>,
  invitation: InvitedApprover,
  passkey: Omit<Passkey, 'registeredAt'>,
): Promise<RegisteredApprover> {
  const { invited: _, ...person } = invitation;
  const approver = { ...person, passkey: { ...passkey, registeredAt: now } };
  await recordChange({
    change: { kind: 'approver-added', ...stated(approver) },
    expects: [{ key: approverKey(invitation), value: encodeApprover(invitation) }],
    sets: [{ key: approverKey(approver), value: encodeApprover(approver) }],
  });
  return approver;
}

/**
 * Ends an approver, or an invitation, by name or id: whatever is answered with the key from then on is refused.
 *
 * @throws CountersignError `NOT_FOUND`
 */
export async function revokeApprover(
  { ledger, recordChange }: Pick<ApproverParts, 'ledger' | 'recordChange'>,
  named: string,
): Promise<PasskeyApprover> {
  const found = (await listApprovers(ledger)).filter(({ id, name }) => id === named || name === named);
  const [approver, another] = found;
  if (approver === undefined)
    throw new CountersignError('NOT_FOUND', 'There is no such approver. See: countersign approver list');
  if (another !== undefined)
    throw new CountersignError('USAGE', 'Two approvers have this name: revoke one by its id.');
  await recordChange({
    change: { kind: 'approver-revoked', ...stated(approver) },
    expects: [{ key: approverKey(approver), value: encodeApprover(approver) }],
    sets: [{ key: approverKey(approver), value: null }],
  });
  return approver;
}

export async function approverById(
  ledger: Pick<Ledger, 'heads'>,
  id: string,
): Promise<PasskeyApprover | undefined> {
  if (!isApproverId(id)) return undefined;
  const key = approverKey({ id });
  const text = (await ledger.heads([key])).get(key);
  return text === undefined ? undefined : parseApprover(key, text);
}

/** With the key, where there is one: so that whoever reads the log can tell whose signature counted when. */
function stated(approver: PasskeyApprover) {
  const { id, tenant, issuer, subject, roles, groups } = approver;
  const person = { id, tenant, issuer, subject, roles: [...roles], groups: [...groups] };
  if (!isRegistered(approver)) return person;
  const { credentialId, publicKey, rpId } = approver.passkey;
  return { ...person, passkey: { credentialId, publicKey, rpId } };
}

function digestOf(token: string): string {
  return hex(sha256(utf8(token)));
}
