import { parseArgs } from 'node:util';
import {
  answerInHome,
  approvalOfHome,
  approvalsOfHome,
  assertOperatorMayApprove,
  shownApproval,
  type AskedApproval,
} from '../runtime/approvals.ts';
import { withHome, type OpenedHome } from '../runtime/home/with-home.ts';
import { approvalLine, askedText } from './approve-text.ts';
import { homeOf } from './home.ts';
import { homeFlags } from './home-options.ts';
import type { Command, Io } from './io.ts';
import { usage } from './report.ts';
import { saysYes } from './says-yes.ts';

const help = `Usage: countersign approve [--list] [ID] [--home DIR] [--ledger URL] [--json]
       countersign approve ID [--yes] [--home DIR] [--ledger URL] [--json]
       countersign approve ID --deny [--home DIR] [--ledger URL] [--json]

Answers calls that a rule lets run only once somebody has approved them. The agent was told the ID; it has to make the same call
again, with the same arguments.

without ID  lists what waits: which tool, who asks, from whom an answer is wanted, until when
ID          shows the whole call, asks, and approves it: once, for exactly this call, until it expires
  --list    shows it, and asks nothing
  --deny    refuses it: the same call is refused until then
  --yes     does not ask. Without a terminal nobody can be asked

This command is the word of whoever can run it, and nobody's in particular: it answers rules that ask the operator. A rule that asks for a
role, a group, a person, a passkey or several people is answered at the gateway, by people who log in.
`;

export const approveCommand: Command = {
  help,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...homeFlags,
        json: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        deny: { type: 'boolean', default: false },
        yes: { type: 'boolean', default: false },
      },
    });
    const action = chooseAction(positionals, values, io);
    return withHome(homeOf(values, io), action);
  },
};

type Action = (opened: OpenedHome) => Promise<number>;

interface Flags {
  readonly json: boolean;
  readonly list: boolean;
  readonly deny: boolean;
  readonly yes: boolean;
}

function chooseAction([id, ...more]: readonly string[], flags: Flags, io: Io): Action {
  const { json, list, deny, yes } = flags;
  if (more.length > 0) throw usage('One call is answered at a time.');
  if (deny && yes) throw usage('Approve with --yes, or refuse with --deny, not both.');
  if (list && (deny || yes)) throw usage('--list answers nothing.');
  if (id === undefined) {
    if (deny || yes) throw usage('Say which: countersign approve ID');
    return (opened) => listAll(opened, json, io);
  }
  if (list) return (opened) => showOne(opened, id, json, io);
  if (deny) return (opened) => answer(opened, id, 'deny', json, io);
  if (json && !yes)
    throw usage('Nobody is asked in JSON. Look at it with --list, and approve it with --yes.');
  return (opened) => approve(opened, id, flags, io);
}

async function listAll(opened: OpenedHome, json: boolean, io: Io): Promise<number> {
  const now = Date.now();
  const approvals = await approvalsOfHome(opened, now);
  if (json)
    io.stdout.write(
      `${JSON.stringify(
        approvals.map((each) => shownApproval(each, now)),
        null,
        2,
      )}\n`,
    );
  else if (approvals.length === 0) io.stdout.write('Nothing waits for approval.\n');
  else for (const each of approvals) io.stdout.write(approvalLine(each, now, io));
  return 0;
}

async function showOne(opened: OpenedHome, id: string, json: boolean, io: Io): Promise<number> {
  const now = Date.now();
  const asked = await approvalOfHome(opened, id, now);
  io.stdout.write(json ? `${JSON.stringify(jsonOf(asked, now), null, 2)}\n` : askedText(asked, now, io));
  return 0;
}

async function approve(opened: OpenedHome, id: string, { json, yes }: Flags, io: Io): Promise<number> {
  const now = Date.now();
  const asked = await approvalOfHome(opened, id, now);
  if (!json) io.stdout.write(askedText(asked, now, io));
  assertOperatorMayApprove(asked.approval);
  if (!yes && !canAsk(io)) {
    io.stderr.write(`Nobody can be asked here. To approve it: countersign approve ${id} --yes\n`);
    return 1;
  }
  if (!yes && !(await saysYes('Approve this call, once? [y/N] ', io))) {
    io.stderr.write(`Nothing was answered. To refuse it: countersign approve ${id} --deny\n`);
    return 1;
  }
  return answer(opened, id, 'approve', json, io);
}

async function answer(
  opened: OpenedHome,
  id: string,
  verdict: 'approve' | 'deny',
  json: boolean,
  io: Io,
): Promise<number> {
  const { approval, isNew } = await answerInHome(opened, id, verdict);
  if (json) io.stdout.write(`${JSON.stringify({ ...shownApproval(approval, Date.now()), new: isNew })}\n`);
  else io.stdout.write(said[verdict](new Date(approval.expiresAt).toISOString(), isNew));
  return 0;
}

const said = {
  approve: (until: string, isNew: boolean): string =>
    `${isNew ? 'Approved' : 'It was approved already'}: the agent may make this call once, until ${until}.\n`,
  deny: (until: string, isNew: boolean): string =>
    `${isNew ? 'Refused' : 'It was refused already'}: the same call is refused until ${until}.\n`,
} as const;

function jsonOf({ approval, content, findings }: AskedApproval, now: number) {
  return { ...shownApproval(approval, now), content: content ?? null, findings };
}

function canAsk({ stdin, stdout }: Io): boolean {
  return stdout.isTTY === true && 'isTTY' in stdin && stdin.isTTY === true;
}
