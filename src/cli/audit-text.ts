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
  const { log, trust, compromised, since, seen, period, entries, sessions, keys, openCalls, faults } = report;
  const rows: (readonly [name: string, text: string | undefined])[] = [
    ['log', `${log.origin}, ${log.size} entries, root ${log.rootHash}`],
    ['compromised', compromised && `keys as declared in ${compromised}`],
    ['trust root', `${trust.fingerprint}${trust.source === 'given' ? '' : ' (came with the log)'}`],
    ['since', since && sinceText(since)],
    ['not judged', since?.unjudged && unjudgedText(since.unjudged)],
    ['seen', seen && seenText(seen)],
    ['period', period && `${period.first} to ${period.last}`],
    ['verified', `${entries.verified} of ${entries.replayed} entries: ${counted(entries.kinds)}`],
    ['signed by', counted(entries.signers)],
    ['mode', counted(entries.modes)],
    ['outcomes', counted(entries.outcomes)],
    ...keys.map((key) => [`${key.purpose} key`, keyText(key)] as const),
    ['sessions', `${sessions.opened} opened, ${sessions.closed} closed, ${sessions.open.length} open`],
  ];
  const lines = rows
    .filter(([, text]) => text !== undefined && text !== '')
    .map(([name, text]) => `${paint.dim(name.padEnd(14))}${printable(text ?? '')}`);
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

type Since = NonNullable<AuditReport['since']>;

function sinceText({ size, continued, earlierFaults = 0 }: Since): string {
  const earlier = earlierFaults > 0 ? `, where earlier audits had found ${earlierFaults} faults` : '';
  return `entry ${size}${earlier}: ${continued ? 'continued' : 'NOT continued, nothing behind it was replayed'}`;
}

function unjudgedText({ outcomes, sessions }: NonNullable<Since['unjudged']>): string {
  return (
    `${outcomes} outcomes and ${sessions} sessions that lean on older entries; calls that were open before, ` +
    'and ids that were used before (use --state)'
  );
}

function seenText({ heads, otherLogs }: NonNullable<AuditReport['seen']>): string {
  return `${heads} heads that others hold${otherLogs > 0 ? `; ${otherLogs} of them of other logs: not judged` : ''}`;
}

function keyText({ sha256, entries, first, last, announced }: AuditReport['keys'][number]): string {
  const used = first === undefined ? 'no entry' : `${entries} entries, ${first} to ${last ?? first}`;
  const from =
    announced === undefined ? '' : announced === 0 ? ', from the start' : `, announced at ${announced}`;
  return `sha256:${sha256.slice(0, 16)}…  ${used}${from}`;
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

function conclusion({ ok, faults, since }: AuditReport, { good, bad }: Palette): string {
  const what = since?.unjudged === undefined ? 'no faults' : 'no faults in what could be judged';
  return ok
    ? `${good(what)}: the log speaks for what went through its gates, and for nothing else`
    : bad(`${faults.total} faults: ${counted(faults.counts)}`);
}
