import { existsSync, readFileSync } from 'node:fs';
import { CountersignError, systemCode } from '../../errors.ts';
import { isRegistered, type PasskeyApprover } from '../../gate/approvals/passkeys/approver-heads.ts';
import { inviteApprover, listApprovers, revokeApprover } from '../../gate/approvals/passkeys/approvers.ts';
import { readApprovals } from '../config/read-approvals.ts';
import type { Home } from '../home/open-home.ts';
import { withHome } from '../home/with-home.ts';

export { isRegistered };
export type { PasskeyApprover };

/** A person as an operator names them. */
export interface NewApprover {
  readonly name: string;
  readonly tenant: string;
  readonly issuer: string;
  readonly subject: string;
  readonly roles: readonly string[];
  readonly groups: readonly string[];
}

export interface Invitation {
  readonly approver: PasskeyApprover;
  /** A secret: whoever opens it first registers the key. */
  readonly link: string;
  /** Wall milliseconds. */
  readonly notAfter: number;
}

/**
 * Invites somebody to register a passkey at the page of the gateway that this configuration is of: the home's own unless told.
 *
 * @throws CountersignError `CONFIG_INVALID` when it says of no page
 */
export async function invite(
  home: Home,
  person: NewApprover,
  configFile: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Invitation> {
  const origin = pageOrigin(configFile ?? home.layout.settings, env);
  return withHome(home, async (opened) => {
    const { approver, token } = await inviteApprover({ ...opened, now: Date.now() }, person);
    return { approver, link: `${origin}/approve/enrol#${token}`, notAfter: approver.invited.notAfter };
  });
}

/** Registered keys and open invitations, by name. */
export function approversOfHome(home: Home): Promise<readonly PasskeyApprover[]> {
  return withHome(home, ({ ledger }) => listApprovers(ledger));
}

/** NOT_FOUND for a name or id that is nobody's. */
export function revoke(home: Home, named: string): Promise<PasskeyApprover> {
  return withHome(home, (opened) => revokeApprover(opened, named));
}

function pageOrigin(name: string, env: Readonly<Record<string, string | undefined>>): string {
  const approvals = existsSync(name) ? readApprovals({ name, text: read(name), env }) : undefined;
  if (approvals !== undefined) return approvals.origin;
  throw new CountersignError(
    'CONFIG_INVALID',
    `${name} says nothing of “approvals: { origin: https://… }”, where browsers find the page. Name the gateway’s configuration with --config.`,
  );
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CountersignError(
      'CONFIG_INVALID',
      `The configuration ${file} cannot be read (${systemCode(error)}).`,
      { cause: error },
    );
  }
}
