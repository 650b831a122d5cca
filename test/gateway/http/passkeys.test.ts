import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/call/json.ts';
import { fromBase64 } from '../../../src/call/sha256.ts';
import type { PasskeyAssertion } from '../../../src/gate/approvals/approval.ts';
import {
  invitationLifetime,
  listApprovers,
  revokeApprover,
} from '../../../src/gate/approvals/passkeys/approvers.ts';
import { createPasskeyDesk } from '../../../src/gate/approvals/passkeys/passkey-desk.ts';
import { challengeLifetime } from '../../../src/gate/approvals/passkeys/challenges.ts';
import { createPasskeyVerifier } from '../../../src/gateway/http/passkey-verifier.ts';
import { revoke } from '../../../src/gate/revoke.ts';
import { requirePasskey } from '../../../src/verify/passkey.ts';
import { human, principalOf } from '../../gate/approvals/world.ts';
import { softwarePasskey, type Lie } from '../../support/software-passkey.ts';
import { byPasskey, origin, passkeyWorld, type Seen } from './passkey-world.ts';

const asked = { obligations: [byPasskey] };
const refused = { code: 'APPROVER_REFUSED' };
const unknown = { code: 'NOT_FOUND' };

const lies: readonly (readonly [string, Lie])[] = [
  ['on a page of another site', { origin: 'https://gate.example.org.attacker.example' }],
  ['on a page of another port', { origin: 'https://gate.example.org:8443' }],
  ['on a page without TLS', { origin: 'http://gate.example.org' }],
  ['in a frame of another site', { crossOrigin: true }],
  ['for another domain', { rpId: 'example.org' }],
  ['without its owner verified', { flags: 0x01 }],
  ['without anybody there', { flags: 0x04 }],
  ['as another ceremony', { type: 'payment.get' }],
  ['in words that two readers read differently', { text: (text) => text.replace('{', '{"type":"x",') }],
  ['behind a mark that readers skip or refuse', { text: (text) => `\ufeff${text}` }],
];

describe('an answer with a passkey', () => {
  it('meets a rule that demands one, and its assertion is what anybody can verify', async () => {
    const { ask, check, enrolled, look, desk, statements } = await passkeyWorld();
    const id = await ask(asked);
    const { key } = await enrolled('lea');
    const seen = await look(key, id);
    const document = createHash('sha256')
      .update(seen.document ?? '')
      .digest('base64url');
    if (seen.document !== null) expect(document).toBe(seen.approve.challenge);
    expect(await desk.answer(id, 'approve', key.get(seen.approve))).toMatchObject({
      state: 'approved',
      new: true,
      grants: [{ by: { subject: 'lea' }, as: 'role:ot.lead', method: 'passkey' }],
    });
    const met = await check(asked);
    if (!met.met) throw new Error('it is not approved');
    const [{ request, grants } = {}] = met.stated as unknown as {
      request: { sha256: string };
      grants: { assertion: PasskeyAssertion }[];
    }[];
    const { rpId, ...parts } = grants?.[0]?.assertion ?? ({} as PasskeyAssertion);
    const bytes = Object.fromEntries(
      Object.entries(parts).map(([name, text]) => [name, fromBase64(text) ?? new Uint8Array()]),
    ) as unknown as Parameters<typeof requirePasskey>[0];
    await requirePasskey({ ...bytes, rpId }, request?.sha256 ?? '', 'assertion');
    const [statement] = await statements('approval');
    expect(statement?.predicate).toMatchObject({
      method: 'passkey',
      assertion: { rpId: 'gate.example.org' },
    });
  });

  it.each(lies)('is refused when it was signed %s', async (_, lie) => {
    const { ask, check, enrolled, look, desk, see } = await passkeyWorld();
    const id = await ask(asked);
    const { key } = await enrolled('lea');
    await expect(see(key, id, lie)).rejects.toMatchObject(refused);
    const { approve } = await look(key, id);
    await expect(desk.answer(id, 'approve', key.get(approve, lie))).rejects.toMatchObject(refused);
    expect(await check(asked)).toMatchObject({ met: false });
  });

  it('is refused when it is over something else: another request, a refusal, what let them look, the digest of nothing', async () => {
    const { ask, check, enrolled, look, desk } = await passkeyWorld();
    const id = await ask(asked);
    const other = await ask({ obligations: [{ ...byPasskey, rule: 'another' }] });
    const { key } = await enrolled('lea');
    const seen = await look(key, id);
    const { approve: ofOther } = await look(key, other);
    const challenges = [
      seen.deny.challenge,
      ofOther.challenge,
      (await desk.seeing())['challenge'] as string,
      '',
    ];
    for (const challenge of challenges)
      await expect(desk.answer(id, 'approve', key.get(seen.approve, { challenge }))).rejects.toMatchObject(
        refused,
      );
    await expect(desk.answer(other, 'approve', key.get(seen.approve))).rejects.toMatchObject(refused);
    await expect(desk.answer(id, 'deny', key.get(seen.approve))).rejects.toMatchObject(refused);
    expect(await check(asked)).toMatchObject({ met: false });
  });

  it('is refused when another key made it, whosever name it bears, and when the signature was changed', async () => {
    const { ask, enrolled, look, desk, approver } = await withApprover();
    const id = await ask(asked);
    const { key } = await enrolled('lea');
    const { approve } = await look(key, id);
    const foreign = softwarePasskey(origin);
    const userHandle = Buffer.from(approver.id).toString('base64url');
    for (const lie of [{ userHandle }, { userHandle, id: key.id }])
      await expect(desk.answer(id, 'approve', foreign.get(approve, lie))).rejects.toMatchObject(refused);
    await expect(
      desk.answer(id, 'approve', key.get(approve, { signature: new Uint8Array(70) })),
    ).rejects.toMatchObject(refused);
  });

  it('is refused in a form that nobody could verify later', async () => {
    const { ask, enrolled, look, desk, check } = await passkeyWorld();
    const id = await ask(asked);
    const { key } = await enrolled('lea');
    const { approve } = await look(key, id);
    const spelled = (spell: (der: Buffer) => Uint8Array): JsonObject => {
      const credential = key.get(approve);
      const response = credential['response'] as JsonObject & { signature: string };
      const signature = Buffer.from(spell(Buffer.from(response.signature, 'base64url'))).toString(
        'base64url',
      );
      return { ...credential, response: { ...response, signature } };
    };
    for (const signed of [
      spelled((der) => Buffer.concat([der, Buffer.alloc(1)])),
      spelled((der) => Buffer.concat([Buffer.from([0x30, 0x81]), der.subarray(1)])),
      key.get(approve, { attested: true }),
    ])
      await expect(desk.answer(id, 'approve', signed)).rejects.toMatchObject(refused);
    expect(await check(asked)).toMatchObject({ met: false });
    expect(
      await desk.answer(
        id,
        'approve',
        spelled((der) => der),
      ),
    ).toMatchObject({ state: 'approved' });
  });

  it('counts once: the same again is refused, and so is one that was never shown', async () => {
    const { ask, enrolled, look, desk } = await passkeyWorld();
    const two = { obligations: [{ ...byPasskey, count: 2 }] };
    const id = await ask(two);
    const { key } = await enrolled('lea');
    const { approve, deny } = await look(key, id);
    const signed = key.get(approve);
    expect(await desk.answer(id, 'approve', signed)).toMatchObject({ state: 'pending', new: true });
    await expect(desk.answer(id, 'approve', signed)).rejects.toMatchObject(refused);
    await expect(desk.answer(id, 'deny', key.get(deny))).rejects.toMatchObject(refused);
    const { key: max } = await enrolled('max');
    await expect(desk.answer(id, 'approve', max.get(approve))).rejects.toMatchObject(refused);
    const again = await look(key, id);
    expect(await desk.answer(id, 'approve', key.get(again.approve))).toMatchObject({
      state: 'pending',
      new: false,
    });
  });

  it('counts once of two that come together', async () => {
    const { ask, enrolled, look, desk, statements } = await passkeyWorld();
    const id = await ask(asked);
    const { key } = await enrolled('lea');
    const { approve } = await look(key, id);
    const signed = key.get(approve);
    const both = await Promise.allSettled([1, 2].map(() => desk.answer(id, 'approve', signed)));
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await statements('approval')).toHaveLength(1);
  });

  it('is refused when the counter stands still or goes back: somebody may have a copy of the key', async () => {
    const { ask, enrolled, look, desk, ledger, see } = await passkeyWorld();
    const id = await ask(asked);
    const { key } = await enrolled('lea');
    key.counter = 5;
    const { approve } = await look(key, id);
    for (const counter of [0, 4, 5]) {
      key.counter = counter;
      await expect(desk.answer(id, 'approve', key.get(approve))).rejects.toMatchObject(refused);
      await expect(see(key, id)).rejects.toMatchObject(refused);
    }
    key.counter = 6;
    expect(await desk.answer(id, 'approve', key.get(approve))).toMatchObject({ state: 'approved' });
    expect(await listApprovers(ledger)).toMatchObject([{ passkey: { counter: 6 } }]);
  });

  it('is late: what was shown long ago is not signed', async () => {
    const { ask, enrolled, look, desk, clock } = await passkeyWorld();
    const id = await ask(asked);
    const { key } = await enrolled('lea');
    const { approve } = await look(key, id);
    const early = key.get(await desk.seeing());
    clock.offset = challengeLifetime;
    await expect(desk.answer(id, 'approve', key.get(approve))).rejects.toMatchObject(refused);
    await expect(desk.see(early, id)).rejects.toMatchObject(refused);
    const ahead = key.get(await desk.seeing());
    clock.offset = 0;
    await expect(desk.see(ahead, id)).rejects.toMatchObject(refused);
  });

  it('may be a no, which ends the request, and is another digest than a yes', async () => {
    const { ask, enrolled, look, desk, check } = await passkeyWorld();
    const id = await ask(asked);
    const { key } = await enrolled('lea');
    const { approve, deny } = await look(key, id);
    expect(deny.challenge).not.toBe(approve.challenge);
    expect(await desk.answer(id, 'deny', key.get(deny))).toMatchObject({ state: 'refused' });
    expect(await check(asked)).toMatchObject({ met: false, code: 'APPROVAL_REFUSED' });
  });
});

async function withApprover() {
  const made = await passkeyWorld();
  const { approver } = await made.enrolled('max');
  return { ...made, approver };
}

describe('what is shown', () => {
  it('is nothing to whoever may not answer: without the role, of another tenant, or for whom the call is made', async () => {
    const { ask, enrolled, see, desk } = await passkeyWorld();
    const id = await ask({ ...asked, principal: principalOf({ human: human('ada') }) });
    const people = [
      await enrolled('bob', { roles: [] }),
      await enrolled('eve-of-another', { tenant: 'other' }),
      await enrolled('ada'),
    ];
    for (const { key } of people) {
      expect(await see(key)).toEqual([]);
      await expect(see(key, id)).rejects.toMatchObject(unknown);
      const forged = key.get({ challenge: 'AAAA', rpId: 'gate.example.org' });
      await expect(desk.answer(id, 'approve', forged)).rejects.toMatchObject(unknown);
    }
  });

  it('is nothing for the same signature twice', async () => {
    const { ask, enrolled, desk } = await passkeyWorld();
    await ask(asked);
    const { key } = await enrolled('lea');
    const signed = key.get(await desk.seeing());
    await desk.see(signed);
    await desk.see(key.get(await desk.seeing()));
    await expect(desk.see(signed)).rejects.toMatchObject(refused);
  });

  it('is nothing to a key that nobody registered, and to what is no credential', async () => {
    const { desk } = await passkeyWorld();
    const stranger = softwarePasskey(origin);
    const handles = ['', 'AAAA', Buffer.from('a'.repeat(16)).toString('base64url'), '__proto__', '\u0000'];
    for (const userHandle of handles)
      await expect(desk.see(stranger.get(await desk.seeing(), { userHandle }))).rejects.toMatchObject(
        refused,
      );
    const nothing = [
      undefined,
      null,
      1,
      [],
      {},
      { id: 'AAAA' },
      { id: 'AAAA', response: {} },
      { id: '=', response: {} },
    ];
    for (const credential of nothing)
      await expect(desk.see(credential as JsonObject)).rejects.toMatchObject(refused);
  });

  it('is all that waits, without an id', async () => {
    const { ask, enrolled, see } = await passkeyWorld();
    const id = await ask(asked);
    const { key } = await enrolled('lea');
    expect(await see(key)).toMatchObject([{ approval: { id, state: 'pending' } }]);
  });
});

describe('an approver', () => {
  it('counts no more from the moment they are revoked, also between looking and signing', async () => {
    const { ask, enrolled, look, desk, changing, see, statements } = await passkeyWorld();
    const id = await ask(asked);
    const { key } = await enrolled('lea');
    const { approve } = await look(key, id);
    await revokeApprover(changing(), 'lea');
    await expect(desk.answer(id, 'approve', key.get(approve))).rejects.toMatchObject(refused);
    await expect(see(key)).rejects.toMatchObject(refused);
    expect(
      (await statements('change')).map(({ predicate }) => (predicate['change'] as JsonObject)['kind']),
    ).toEqual(expect.arrayContaining(['approver-invited', 'approver-added', 'approver-revoked']));
  });

  const revocations = ['passkey', 'person'] as const;
  it.each(revocations)(
    'counts no more when the %s is revoked while their answer is written',
    async (what) => {
      const { ask, enrolled, parts, recordChange, changing, statements, ledger } = await passkeyWorld();
      const revoking = { ledger, recordChange, now: () => parts.clock.now() };
      const issuer = 'https://idp.example.org';
      const id = await ask(asked);
      const { key } = await enrolled('lea');
      let isRevoked = false;
      const racing = {
        ...ledger,
        async append(draft: Parameters<typeof ledger.append>[0]) {
          if (!isRevoked && what === 'passkey') await revokeApprover(changing(), 'lea');
          if (!isRevoked && what === 'person')
            await revoke(revoking, { kind: 'human', id: 'lea', issuer, by: 'operator' });
          isRevoked = true;
          return ledger.append(draft);
        },
      };
      const verifier = createPasskeyVerifier(origin);
      const desk = createPasskeyDesk({ ...parts, ledger: racing, recordChange, verifier });
      const told = await desk.see(key.get(await desk.seeing()), id);
      const [{ approve } = {} as Seen] = told['requests'] as unknown as readonly Seen[];
      const answered = desk.answer(id, 'approve', key.get(approve));
      await expect(answered).rejects.toMatchObject({ code: 'LEDGER_CONFLICT' });
      expect(await statements('approval')).toEqual([]);
    },
  );

  it('counts no more when the person was revoked', async () => {
    const { ask, enrolled, look, desk, ledger, recordChange, parts } = await passkeyWorld();
    const id = await ask(asked);
    const { key } = await enrolled('lea');
    const { approve } = await look(key, id);
    const issuer = 'https://idp.example.org';
    const revoking = { ledger, recordChange, now: () => parts.clock.now() };
    await revoke(revoking, { kind: 'human', id: 'lea', issuer, by: 'operator' });
    await expect(desk.answer(id, 'approve', key.get(approve))).rejects.toMatchObject(refused);
  });

  it('registers once, with the link that was made for them, in its time', async () => {
    const { invite, desk, clock } = await passkeyWorld();
    const { token } = await invite('lea');
    const { options } = await desk.enrolling(token);
    const [one, other] = [softwarePasskey(origin), softwarePasskey(origin)];
    const results = await Promise.allSettled(
      [one, other].map((key) => desk.enrol(token, key.create(options as JsonObject))),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await expect(desk.enrolling(token)).rejects.toMatchObject(unknown);
    const { token: late, approver } = await invite('max');
    for (const forged of [`${approver.id}.${'A'.repeat(43)}`, approver.id, '', '__proto__.x', `${late}x`])
      await expect(desk.enrolling(forged)).rejects.toMatchObject(unknown);
    const { options: ofMax } = await desk.enrolling(late);
    await expect(
      desk.enrol(late, softwarePasskey(origin).create(options as JsonObject)),
    ).rejects.toMatchObject(refused);
    clock.offset = invitationLifetime;
    await expect(desk.enrol(late, softwarePasskey(origin).create(ofMax as JsonObject))).rejects.toMatchObject(
      unknown,
    );
  });

  it.each([
    ...lies.filter(([, { flags }]) => flags === undefined),
    ['with another algorithm', { algorithm: -8 }] as const,
    ['under another name', { id: 'AAAA' }] as const,
  ])('is not registered by a key that was made %s', async (_, lie) => {
    const { invite, desk, ledger } = await passkeyWorld();
    const { token } = await invite('lea');
    const { options } = await desk.enrolling(token);
    const made = softwarePasskey(origin).create(options as JsonObject, lie);
    await expect(desk.enrol(token, made)).rejects.toMatchObject(refused);
    expect(await listApprovers(ledger)).toMatchObject([{ invited: {} }]);
  });

  it.each([0x41, 0x44])('is not registered without presence and verification (flags %i)', async (flags) => {
    const { invite, desk } = await passkeyWorld();
    const { token } = await invite('lea');
    const { options } = await desk.enrolling(token);
    const made = softwarePasskey(origin).create(options as JsonObject, { flags });
    await expect(desk.enrol(token, made)).rejects.toMatchObject(refused);
  });

  it('has a name that nobody else has, and no token that is kept anywhere', async () => {
    const { invite, ledger, statements } = await passkeyWorld();
    const { token } = await invite('lea');
    await expect(invite('lea')).rejects.toMatchObject({ code: 'USAGE' });
    await expect(invite('x', { name: 'a b' })).rejects.toMatchObject({ code: 'USAGE' });
    const [, secret = ''] = token.split('.');
    const kept =
      JSON.stringify([...(await ledger.headsUnder(''))]) + JSON.stringify(await statements('change'));
    expect(kept).not.toContain(secret);
  });
});
