import { applyEdit, type EditPlan } from '../runtime/hosts/edit-file.ts';
import type { HostPlan, ServerChange } from '../runtime/hosts/host-plan.ts';
import type { Io } from './io.ts';
import { palette } from './paint.ts';
import { printable } from './printable.ts';

export interface ReportOptions {
  readonly isDryRun: boolean;
  readonly json: boolean;
  /** Shown as dots, wherever it stands. */
  readonly secret?: string | undefined;
  /** Sentences after a change was made. */
  readonly next: readonly string[];
}

/** Makes the changes unless it is a dry run, and says what they are. Resolves to the exit code: 1 when a server was refused. */
export function carryOut(plan: HostPlan, options: ReportOptions, io: Io): number {
  const files = plan.edits
    .filter(({ before, after }) => before !== after)
    .map((edit) => ({
      file: edit.path,
      diff: diffOf(edit, options),
      backup: options.isDryRun ? undefined : applyEdit(edit).backup,
    }));
  const ok = !plan.servers.some(({ state }) => state === 'refused');
  if (options.json) {
    const report = { ok, dryRun: options.isDryRun, servers: plan.servers, files };
    io.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    return ok ? 0 : 1;
  }
  for (const { diff } of files) io.stdout.write(coloured(diff, io));
  for (const server of plan.servers) io.stdout.write(line(server, io));
  for (const { file, backup } of files)
    if (backup !== undefined) io.stdout.write(`${printable(file)} as it was: ${printable(backup)}\n`);
  if (plan.servers.length === 0) io.stdout.write('There is no MCP server.\n');
  if (files.length > 0)
    for (const sentence of options.isDryRun ? ['Nothing was changed.'] : options.next)
      io.stdout.write(`${sentence}\n`);
  return ok ? 0 : 1;
}

/** What was in the file before is not printed more than it has to be; the key that is added never is. */
function diffOf({ diff }: EditPlan, { secret }: ReportOptions): string {
  return secret === undefined ? diff : diff.replaceAll(secret, '…');
}

function line(server: ServerChange, io: Io): string {
  const { good, bad, dim } = palette(io.stdout, io);
  const mark = { wrapped: good, restored: good, unchanged: dim, refused: bad }[server.state];
  const where = server.project === undefined ? server.file : `${server.file}, ${server.project}`;
  const subject = printable(`${server.name} (${server.host}, ${where})`);
  return `${mark(server.state.padEnd(9))} ${subject}: ${printable(server.message)}\n`;
}

export function coloured(diff: string, io: Io): string {
  const { good, bad, dim, bold } = palette(io.stdout, io);
  const paint = (text: string): string => {
    if (/^(?:---|\+\+\+) /.test(text)) return bold(text);
    if (text.startsWith('@@')) return dim(text);
    return text.startsWith('+') ? good(text) : text.startsWith('-') ? bad(text) : text;
  };
  return diff
    .split('\n')
    .map((text) => (text === '' ? text : paint(text)))
    .join('\n');
}
