import type { JsonObject } from '../../../src/call/json.ts';
import { inviteApprover } from '../../../src/gate/approvals/passkeys/approvers.ts';
import { createPasskeyDesk } from '../../../src/gate/approvals/passkeys/passkey-desk.ts';
import { changeRecorder } from '../../../src/gate/record-change.ts';
import { createPasskeyVerifier } from '../../../src/gateway/http/passkey-verifier.ts';
import { byLead, world } from '../../gate/approvals/world.ts';
import { softwarePasskey, type Lie, type SoftwarePasskey } from '../../support/software-passkey.ts';

export const origin = 'https://gate.example.org';
export const byPasskey = { ...byLead, by: 'passkey' as const };

/** What the page gets for one request. */
export interface Seen {
  readonly approval: JsonObject & { readonly id: string };
  readonly document: string | null;
  readonly findings: readonly JsonObject[];
  readonly approve: JsonObject & { readonly challenge: string };
  readonly deny: JsonObject & { readonly challenge: string };
}

/** A gate that people answer at with passkeys, and what their page does. */
export async function passkeyWorld() {
  const made = await world();
  const recordChange = changeRecorder(made.parts, 'same-user');
  const desk = createPasskeyDesk({ ...made.parts, recordChange, verifier: createPasskeyVerifier(origin) });
  const changing = () => ({ ledger: made.ledger, recordChange, now: made.parts.clock.now() });
  const invite = async (subject: string, more: { name?: string; roles?: string[]; tenant?: string } = {}) =>
    inviteApprover(changing(), {
      name: subject,
      tenant: 'default',
      issuer: 'https://idp.example.org',
      subject,
      roles: ['ot.lead'],
      groups: [],
      ...more,
    });
  return {
    ...made,
    desk,
    recordChange,
    changing,
    invite,
    /** Somebody with a registered passkey. */
    async enrolled(subject: string, more: { name?: string; roles?: string[]; tenant?: string } = {}) {
      const { approver, token } = await invite(subject, more);
      const key = softwarePasskey(origin);
      const { options } = await desk.enrolling(token);
      await desk.enrol(token, key.create(options as JsonObject));
      return { key, token, approver };
    },
    async see(key: SoftwarePasskey, id?: string, lie?: Lie): Promise<readonly Seen[]> {
      const told = await desk.see(key.get(await desk.seeing(), lie), id);
      return told['requests'] as unknown as readonly Seen[];
    },
    /** Looks at one request as the page does. */
    async look(key: SoftwarePasskey, id: string): Promise<Seen> {
      const told = await desk.see(key.get(await desk.seeing()), id);
      const [seen] = told['requests'] as unknown as readonly Seen[];
      if (seen === undefined) throw new Error('nothing was shown');
      return seen;
    },
  };
}
