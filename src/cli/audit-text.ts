import type { AuditReport } from '../evidence/audit-report.ts';
import type { Fault } from '../evidence/faults.ts';
import type { Io } from './io.ts';
import { palette } from './paint.ts';
import type { Palette } from './paint.ts';
import { printable } from './printable.ts';

/** Lines that are printed of a list; `--json` has more. */
const most = 20;

/** An audit's report for people: what the log is, what is open, what is wrong, and what that means. */
export function formatAudit(report: AuditReport, io: Io): string {
  const paint = palette(io.stdout, io);
  const { log, trust, since, period, entries, sessions, openCalls, faults } = report;
  const rows: (readonly [name: string, text: string | undefined])[] = [
    ['log', `${log.origin}, ${log.size} entries, root ${log.rootHash}`],
    ['trust root', `${trust.fingerprint}${trust.source === 'given' ? '' : ' (came with the log)'}`],
    ['since', since && `size ${since.size}: ${since.continued ? 'continued' : 'NOT continued'}`],
    ['period', period && `${period.first} to ${period.last}`],
    ['verified', `${entries.verified} of ${entries.replayed} entries: ${counted(entries.kinds)}`],
    ['signed by', counted(entries.signers)],
    ['mode', counted(entries.modes)],
    ['outcomes', counted(entries.outcomes)],
    ['sessions', `${sessions.opened} opened, ${sessions.closed} closed, ${sessions.open.length} open`],
  ];
  const lines = rows
    .filter(([, text]) => text !== undefined && text !== '')
    .map(([name, text]) => `${paint.dim(name.padEnd(11))}${printable(text ?? '')}`);
  lines.push(
    ...listed('open calls, which the log says nothing more of', openCalls, (call) =>
      [`entry ${call.index}`, call.callId, call.tool, call.overdue ? 'OVERDUE' : 'may still run']
        .filter((part) => part !== undefined)
        .join('  '),
    ),
    ...listed('faults', faults.listed, (fault) => formatFault(fault, paint), faults.total),
    conclusion(report, paint),
  );
  return `${lines.join('\n')}\n`;
}

function counted(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');
}

function listed<T>(
  title: string,
  items: readonly T[],
  format: (item: T) => string,
  total = items.length,
): readonly string[] {
  if (total === 0) return [];
  const shown = items.slice(0, most);
  const rest = total - shown.length;
  return [
    `${total} ${title}:`,
    ...shown.map((item) => `  ${format(item)}`),
    ...(rest > 0 ? [`  … and ${rest} more`] : []),
  ];
}

function formatFault({ code, index, callId, session, message }: Fault, { bad }: Palette): string {
  const where = [
    index === undefined ? undefined : `entry ${index}`,
    callId === undefined ? undefined : `call ${callId}`,
    session === undefined ? undefined : `session ${session}`,
  ].filter((part) => part !== undefined);
  return `${bad(code)} ${printable([where.join(', '), message].filter((part) => part !== '').join(': '))}`;
}

function conclusion({ ok, faults }: AuditReport, { good, bad }: Palette): string {
  return ok
    ? `${good('no faults')}: the log speaks for what went through its gates, and for nothing else`
    : bad(`${faults.total} faults: ${counted(faults.counts)}`);
}
