import { parseArgs } from 'node:util';
import { isUuid } from '../call/uuid.ts';
import { selectFormerCalls } from '../runtime/former/erase-former.ts';
import { selectCalls, type Selected, type Selection } from '../runtime/log/erase.ts';
import { hasSetAside, withStore } from '../runtime/former/former.ts';
import { withHome } from '../runtime/home/with-home.ts';
import { homeOf } from './home.ts';
import type { Command, Io } from './io.ts';
import { usage } from './report.ts';
import { saysYes } from './says-yes.ts';

const help = `Usage: countersign erase CALL_ID… [--yes] [--json] [--home DIR]
       countersign erase [--before TIME] [--tool SERVER/TOOL] [--yes] [--json] [--home DIR]

Removes plaintext and salts of calls from the side store, for good: nothing that is left can open what the log commits to.
The log itself stays as it is and proves what it proved before; that these calls were erased is signed into it.

  --before TIME       calls decided before this: 2026-01-31, or 2026-01-31T12:00:00Z
  --tool SERVER/TOOL  calls to this tool; with --before, those that meet both
  --former ORIGIN     calls of a log that has ended (countersign log former); the present log states it
  --yes               does not ask. Needed where nobody can answer

Calls that still run are left out: exit code 1 says so. Copies of the home made before are beyond reach.
`;

export const eraseCommand: Command = {
  help,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        home: { type: 'string' },
        former: { type: 'string' },
        before: { type: 'string' },
        tool: { type: 'string' },
        yes: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    });
    const selection = selectionOf(positionals, values);
    if (!values.yes && !isAnswerable(io)) throw usage('Erasing cannot be undone: say --yes.');
    const home = homeOf(values, io);
    return withHome(home, (opened) => {
      const { former } = values;
      if (former === undefined) {
        const select = () => selectCalls(opened.ledger, selection);
        return eraseSelected({ select, erase: opened.erase }, values, io);
      }
      return withStore(home.layout, former, 'erase', async (store) => {
        const select = () => selectFormerCalls(store, selection);
        const erase = (calls: readonly string[]) => opened.eraseFormer(store, calls);
        const code = await eraseSelected({ select, erase }, values, io);
        if (hasSetAside(home.layout, former)) io.stderr.write(asideText(home.layout.former, former));
        return code;
      });
    });
  },
};

interface Erasure {
  readonly select: () => Promise<Selected>;
  readonly erase: (calls: readonly string[]) => Promise<void>;
}

async function eraseSelected(
  { select, erase }: Erasure,
  { yes, json }: { readonly yes: boolean; readonly json: boolean },
  io: Io,
): Promise<number> {
  const { calls, running } = await select();
  if (calls.length > 0 && !yes && !(await confirmed(calls.length, io))) {
    io.stderr.write('Nothing was erased.\n');
    return 1;
  }
  await erase(calls);
  io.stdout.write(
    json
      ? `${JSON.stringify({ erased: calls, running })}\n`
      : `Erased ${calls.length === 1 ? '1 call' : `${calls.length} calls`}.\n`,
  );
  if (running.length === 0) return 0;
  io.stderr.write(`Still running, and left as they are: ${running.join(', ')}\n`);
  return 1;
}

/** A ledger that a backup took the place of may be damaged: it is kept, and not read. */
function asideText(folder: string, origin: string): string {
  return (
    `warning: ${folder}/${origin}/set-aside.sqlite, which the backup took the place of, may hold them too, and is not reached: ` +
    'delete it once nothing more is to be got out of it.\n'
  );
}

function selectionOf(
  callIds: readonly string[],
  { before, tool }: { readonly before?: string | undefined; readonly tool?: string | undefined },
): Selection {
  const searched = before !== undefined || tool !== undefined;
  if (callIds.length > 0 === searched)
    throw usage('Name calls, or say which with --before and --tool. Try: countersign help erase');
  const stranger = callIds.find((callId) => !isUuid(callId));
  if (stranger !== undefined)
    throw usage(`“${stranger}” is not a call id: it is the UUID that “log tail” prints.`);
  if (!searched) return { callIds };
  return {
    ...(before !== undefined && { before: timeOf(before) }),
    ...(tool !== undefined && { tool: toolOf(tool) }),
  };
}

/** A day in UTC, or a time that says its zone: `Date` would take others as local, and guess at the rest. */
function timeOf(text: string): number {
  const time = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))?$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  if (Number.isNaN(time))
    throw usage('--before takes a day or a time, as in 2026-01-31 or 2026-01-31T12:00:00Z.');
  return time;
}

function toolOf(text: string): { readonly server: string; readonly name: string } {
  const slash = text.indexOf('/');
  if (slash < 1 || slash === text.length - 1) throw usage('--tool takes SERVER/TOOL, as in files/read_file.');
  return { server: text.slice(0, slash), name: text.slice(slash + 1) };
}

function isAnswerable({ stdin, stdout }: Io): boolean {
  return stdout.isTTY === true && 'isTTY' in stdin && stdin.isTTY === true;
}

function confirmed(count: number, io: Io): Promise<boolean> {
  const what = count === 1 ? 'this call' : `these ${count} calls`;
  return saysYes(`Erase plaintext and salts of ${what} for good? [y/N] `, io);
}
