import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import {
  approversOfHome,
  invite,
  isRegistered,
  revoke,
  type Invitation,
  type PasskeyApprover,
} from '../runtime/approvers/approvers.ts';
import { tenantFault } from '../runtime/home/api-key-scope.ts';
import { homeOf } from './home.ts';
import { homeFlags } from './home-options.ts';
import type { Io } from './io.ts';
import { palette } from './paint.ts';
import { printable } from './printable.ts';
import { usage } from './report.ts';
import { verbCommand } from './verbs.ts';

const help = `Usage: countersign approver add NAME --issuer URL --subject SUBJECT [--role ROLE]… [--group GROUP]… [--tenant NAME]
                           [--config FILE] [--home DIR] [--ledger URL] [--json]
       countersign approver list [--home DIR] [--ledger URL] [--json]
       countersign approver revoke NAME|ID [--home DIR] [--ledger URL] [--json]

Says who approves calls with a passkey, on the page of the gateway. Each change is signed and in the log.

add     prints a link for this person: whoever opens it first registers a passkey, within 24 hours, and approves with it from then on what
        these roles and groups may. It is a secret, and not shown again. NAME is yours to choose, such as lead-laptop
          --issuer, --subject   who the person is, as their tokens say it: nobody approves what is done for them
          --config   the gateway's configuration, which says where its page is (default: countersign.yaml in the home)
list    shows registered passkeys and open invitations
revoke  ends one of them, at once
`;

const common = {
  ...homeFlags,
  json: { type: 'boolean', default: false },
} as const;

export const approverCommand = verbCommand('approver', help, {
  add: () => Promise.resolve(add),
  list: () => Promise.resolve(list),
  revoke: () => Promise.resolve(end),
});

async function add(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...common,
      issuer: { type: 'string' },
      subject: { type: 'string' },
      role: { type: 'string', multiple: true, default: [] },
      group: { type: 'string', multiple: true, default: [] },
      tenant: { type: 'string' },
      config: { type: 'string' },
    },
  });
  const { issuer, subject, role: roles, group: groups, config } = values;
  const name = oneOf(positionals, 'add');
  if (issuer === undefined || subject === undefined)
    throw usage('A person is named by both: --issuer URL --subject SUBJECT, as their tokens say it.');
  const home = homeOf(values, io);
  const tenant = values.tenant ?? home.config.tenant;
  const wrong = tenantFault(tenant);
  if (wrong !== undefined) throw usage(`--tenant ${wrong}.`);
  const person = { name, tenant, issuer, subject, roles, groups };
  const configFile = config === undefined ? undefined : resolve(io.cwd, config);
  const invitation = await invite(home, person, configFile, io.env);
  io.stdout.write(values.json ? jsonOf(invited(invitation)) : invitedText(invitation, io));
  return 0;
}

async function list(args: readonly string[], io: Io): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: common });
  const approvers = await approversOfHome(homeOf(values, io));
  if (values.json) io.stdout.write(jsonOf(approvers.map(shown)));
  else if (approvers.length === 0)
    io.stdout.write('Nobody approves with a passkey here. See: countersign help approver\n');
  else for (const each of approvers) io.stdout.write(lineOf(each, io));
  return 0;
}

async function end(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options: common });
  const approver = await revoke(homeOf(values, io), oneOf(positionals, 'revoke'));
  const what = isRegistered(approver) ? 'The passkey' : 'The link of';
  io.stdout.write(
    values.json
      ? jsonOf(shown(approver))
      : `${what} ${printable(approver.name)} approves nothing any more.\n`,
  );
  return 0;
}

function oneOf([name, ...more]: readonly string[], verb: string): string {
  if (name === undefined || more.length > 0)
    throw usage(`Name one approver: countersign approver ${verb} NAME`);
  return name;
}

function shown(approver: PasskeyApprover) {
  const { id, name, tenant, issuer, subject, roles, groups } = approver;
  const state = isRegistered(approver)
    ? { registeredAt: timeOf(approver.passkey.registeredAt), passkey: approver.passkey }
    : { invitedUntil: timeOf(approver.invited.notAfter) };
  return { id, name, tenant, issuer, subject, roles, groups, ...state };
}

function invited({ approver, link }: Invitation) {
  return { link, ...shown(approver) };
}

function invitedText({ approver, link, notAfter }: Invitation, io: Io): string {
  const { bold, dim } = palette(io.stdout, io);
  const whom = `${printable(approver.subject)} of ${printable(approver.issuer)}`;
  return [
    bold(printable(link)),
    dim(`For ${whom}: once, until ${timeOf(notAfter)}. Hand it to nobody else; it is not shown again.`),
    '',
  ].join('\n');
}

function lineOf(approver: PasskeyApprover, io: Io): string {
  const { bold, dim } = palette(io.stdout, io);
  const { id, name, issuer, subject, roles, groups } = approver;
  const may = [...roles.map((role) => `role:${role}`), ...groups.map((group) => `group:${group}`)];
  const state = isRegistered(approver)
    ? `passkey since ${timeOf(approver.passkey.registeredAt)}`
    : `invited until ${timeOf(approver.invited.notAfter)}`;
  const person = `${printable(subject)} of ${printable(issuer)}`;
  return `${bold(printable(name))}  ${person}  ${printable(may.join(', '))}\n  ${dim(`${id}  ${state}`)}\n`;
}

function timeOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

function jsonOf(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
