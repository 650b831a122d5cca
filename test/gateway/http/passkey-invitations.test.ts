import { describe, expect, it } from 'vitest';
import {
  invitationLifetime,
  inviteApprover,
  listApprovers,
  registerPasskey,
  revokeApprover,
} from '../../../src/gate/approvals/passkeys/approvers.ts';
import { passkeyWorld } from './passkey-world.ts';

describe('an invitation', () => {
  it('makes room once it is over, and not when it was used at the last moment', async () => {
    const { invite, clock, ledger, recordChange, parts } = await passkeyWorld();
    await invite('lea');
    clock.offset = invitationLifetime;
    const { approver } = await invite('lea');
    expect(await listApprovers(ledger)).toEqual([approver]);
    const passkey = { credentialId: 'AAAA', publicKey: 'AAAA', rpId: 'gate.example.org', counter: 0 };
    const now = parts.clock.now();
    const racing: typeof recordChange = async (change) => {
      await registerPasskey({ recordChange, now }, approver, passkey);
      return recordChange(change);
    };
    const { id: _, invited, ...person } = approver;
    const late = { ledger, recordChange: racing, now: invited.notAfter };
    await expect(inviteApprover(late, person)).rejects.toMatchObject({ code: 'LEDGER_CONFLICT' });
    expect(await listApprovers(ledger)).toMatchObject([{ id: approver.id, passkey }]);
  });

  it('that is one of two by the same name, made at once, is revoked by its id', async () => {
    const { invite, changing, ledger } = await passkeyWorld();
    const [{ approver: one }, { approver: other }] = await Promise.all([invite('lea'), invite('lea')]);
    await expect(revokeApprover(changing(), 'lea')).rejects.toMatchObject({ code: 'USAGE' });
    await revokeApprover(changing(), one.id);
    expect(await listApprovers(ledger)).toEqual([other]);
  });
});
