import type { Json, JsonObject } from '../../../call/json.ts';
import { base64url, fromBase64, fromHex, sha256, utf8 } from '../../../call/sha256.ts';
import { CountersignError } from '../../../errors.ts';
import { humanRevokedBy } from '../../../identity/revocation/revoked-by.ts';
import { approvalDocumentType } from '../../../names.ts';
import type { RecordChange } from '../../changes.ts';
import { epochKey } from '../../revocation-heads.ts';
import type { Revocations } from '../../revocations.ts';
import { answerApproval, type AnsweringParts } from '../answer.ts';
import { isSamePerson, stateOf, type PendingApproval } from '../approval.ts';
import type { Approver } from '../approvers.ts';
import { reviewContent } from '../findings.ts';
import { approvalById, approvalsFor, contentOfApproval } from '../open-approvals.ts';
import { requestDocument } from '../request-document.ts';
import { shownApproval } from '../shown-approval.ts';
import { approverKey, encodeApprover, isRegistered, type RegisteredApprover } from './approver-heads.ts';
import { approverById, invitedBy, registerPasskey } from './approvers.ts';
import { challengeLifetime, createChallenges } from './challenges.ts';
import type { CheckedAssertion, PasskeyVerifier } from './passkey-verifier.ts';

/**
 * Where people answer with a passkey and nothing else. Each method rejects with APPROVER_REFUSED for a key that does not count, and
 * with NOT_FOUND for what must not be told to whoever asks, as if it were not there.
 */
export interface PasskeyDesk {
  /** What the browser is asked before anything is shown. */
  seeing(): Promise<JsonObject>;
  /** What this person may answer, with what would run, and what the browser is asked for each answer. */
  see(credential: Json | undefined, id?: string): Promise<JsonObject>;
  answer(id: string, verdict: 'approve' | 'deny', credential: Json | undefined): Promise<JsonObject>;
  /** Whom a link invites, and what the browser is asked. */
  enrolling(token: string): Promise<JsonObject>;
  enrol(token: string, credential: Json | undefined): Promise<JsonObject>;
}

export interface PasskeyDeskParts extends AnsweringParts {
  readonly recordChange: RecordChange;
  readonly revocations: Pick<Revocations, 'latest'>;
  readonly verifier: PasskeyVerifier;
}

/** Requests shown at once. */
const maxShown = 32;

export function createPasskeyDesk(parts: PasskeyDeskParts): PasskeyDesk {
  const { ledger, clock, recordChange, verifier } = parts;
  const challenges = createChallenges(() => clock.now());
  const shown = createShown();
  const keys = createKeys(parts);

  return {
    async seeing() {
      return verifier.request(await challenges.issue('see'));
    },
    async see(credential, id) {
      const now = clock.now();
      const approver = await keys.of(credential);
      const { challenge } = await keys.check(approver, credential, (one) => challenges.isGenuine('see', one));
      if (!challenges.use(challenge)) throw refused('This was signed for something that is over: try again.');
      const open = await approvalsFor(ledger, personOf(approver), now);
      const wanted =
        id === undefined ? open.filter((each) => isOpenFor(approver, each, now)) : [approvalById(open, id)];
      const requests = wanted.slice(0, maxShown).map(async (approval) => {
        for (const verdict of verdicts) shown.add(approver, approval, verdict, now);
        return asSeen(parts, approver, approval, now);
      });
      return { name: approver.name, subject: approver.subject, requests: await Promise.all(requests) };
    },
    async answer(id, verdict, credential) {
      const now = clock.now();
      const approver = await keys.of(credential);
      const by = personOf(approver);
      const approval = approvalById(await approvalsFor(ledger, by, now), id);
      const expected = challengeOf(approval, verdict);
      const { assertion, heads } = await keys.check(approver, credential, (one) =>
        Promise.resolve(one === expected && shown.has(approver, approval, verdict, now)),
      );
      // Of two answers that come at once one is late.
      if (!shown.take(approver, approval, verdict, now))
        throw refused('It was answered already: look again.');
      const answered = await answerApproval(parts, id, { verdict, by, method: 'passkey', assertion, heads });
      return { ...shownApproval(answered.approval, clock.now()), new: answered.isNew };
    },
    async enrolling(token) {
      const { id, name, subject, issuer, roles, groups } = await invitedBy(ledger, token, clock.now());
      const options = verifier.creation({ id, name }, await challenges.issue(`enrol ${token}`));
      return { name, subject, issuer, roles: [...roles], groups: [...groups], options };
    },
    async enrol(token, credential) {
      const now = clock.now();
      const invitation = await invitedBy(ledger, token, now);
      const passkey = await verifier.registered(credential, (one) =>
        challenges.isGenuine(`enrol ${token}`, one),
      );
      const { name } = await registerPasskey({ recordChange, now }, invitation, passkey);
      return { name };
    },
  };
}

const verdicts = ['approve', 'deny'] as const;

/**
 * What is signed for a yes is the digest of the request document itself. A no is another digest: what somebody has signed to refuse a
 * call must never pass for its approval. Base64url.
 */
export function challengeOf({ document }: PendingApproval, verdict: 'approve' | 'deny'): string {
  const digest = fromHex(document.sha256) ?? new Uint8Array();
  return base64url(
    verdict === 'approve' ? digest : sha256(utf8(`${approvalDocumentType} refused\n${document.sha256}\n`)),
  );
}

async function asSeen(
  { ledger, verifier }: PasskeyDeskParts,
  { passkey: { credentialId } }: RegisteredApprover,
  approval: PendingApproval,
  now: number,
): Promise<JsonObject> {
  const content = await contentOfApproval(ledger, approval);
  const salt = fromBase64(approval.document.salt) ?? new Uint8Array();
  return {
    approval: shownApproval(approval, now),
    // The very text that is signed, so that the page shows what it has hashed.
    document: content === undefined ? null : requestDocument(approval, salt, content),
    findings: content === undefined ? [] : reviewContent(content).map((finding) => ({ ...finding })),
    approve: verifier.request(challengeOf(approval, 'approve'), credentialId),
    deny: verifier.request(challengeOf(approval, 'deny'), credentialId),
  };
}

function isOpenFor(person: RegisteredApprover, approval: PendingApproval, now: number): boolean {
  const isAnswered = approval.grants.some(({ by }) => isSamePerson(by, person));
  return !isAnswered && stateOf(approval, now) === 'pending';
}

function personOf({ issuer, subject, tenant, roles, groups }: RegisteredApprover): Approver {
  return { issuer, subject, tenant, roles, groups };
}

/** Registered keys, and how often each has signed as far as this process knows. */
function createKeys({ ledger, revocations, verifier }: PasskeyDeskParts) {
  const counters = new Map<string, number>();
  return {
    /** Whose key a credential says it is. */
    async of(credential: Json | undefined): Promise<RegisteredApprover> {
      const approver = await approverById(ledger, verifier.ownerOf(credential));
      if (approver === undefined || !isRegistered(approver))
        throw refused('This passkey is not registered here, or was revoked.');
      return approver;
    },
    /** That it signed this, and which heads an answer of its expects and sets. */
    async check(
      approver: RegisteredApprover,
      credential: Json | undefined,
      isExpected: (challenge: string) => Promise<boolean>,
    ): Promise<CheckedAssertion & { readonly challenge: string; readonly heads: KeyHeads }> {
      const { id, issuer, subject, passkey } = approver;
      const state = await revocations.latest();
      const revoked = humanRevokedBy(state, { issuer, subject, authTime: passkey.registeredAt / 1_000 });
      if (revoked !== undefined) throw refused('This person was revoked: nothing that they sign counts.');
      let challenge = '';
      const counted = { ...passkey, counter: Math.max(passkey.counter, counters.get(id) ?? 0) };
      const checked = await verifier.asserted(credential, counted, (one) => {
        challenge = one;
        return isExpected(one);
      });
      // Between the two looks another may have come with the same count: a copy of the key, or of its answer.
      const known = counters.get(id) ?? 0;
      if (checked.counter !== 0 && checked.counter <= known) throw refused(copied);
      counters.set(id, Math.max(known, checked.counter));
      const key = approverKey(approver);
      const next = { ...approver, passkey: { ...passkey, counter: checked.counter } };
      const heads = {
        expects: [
          { key, value: encodeApprover(approver) },
          { key: epochKey, value: state.epoch },
        ],
        sets: [{ key, value: encodeApprover(next) }],
      };
      return { ...checked, challenge, heads };
    },
  };
}

interface KeyHeads {
  readonly expects: readonly { readonly key: string; readonly value: string | null }[];
  readonly sets: readonly { readonly key: string; readonly value: string }[];
}

const copied = 'The passkey’s counter went back: there may be a copy of it. Have it revoked.';

/** What was shown to whom, so that nothing is signed that was not, and nothing twice. Only people who are known fill it. */
function createShown() {
  const until = new Map<string, number>();
  const keyOf = ({ id }: RegisteredApprover, approval: PendingApproval, verdict: string): string =>
    `${id} ${approval.id} ${verdict}`;
  const has = (
    approver: RegisteredApprover,
    approval: PendingApproval,
    verdict: 'approve' | 'deny',
    now: number,
  ): boolean => now < (until.get(keyOf(approver, approval, verdict)) ?? 0);
  return {
    has,
    add(approver: RegisteredApprover, approval: PendingApproval, verdict: string, now: number): void {
      for (const [each, end] of until) if (end <= now) until.delete(each);
      until.set(keyOf(approver, approval, verdict), now + challengeLifetime);
    },
    take(...asked: Parameters<typeof has>): boolean {
      const [approver, approval] = asked;
      const had = has(...asked);
      for (const verdict of verdicts) until.delete(keyOf(approver, approval, verdict));
      return had;
    },
  };
}

function refused(message: string): CountersignError {
  return new CountersignError('APPROVER_REFUSED', message);
}
