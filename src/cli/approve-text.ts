import { stateOf, whoMay, type AskedApproval, type PendingApproval } from '../runtime/approvals.ts';
import type { Io } from './io.ts';
import { palette, type Palette } from './paint.ts';
import { printable } from './printable.ts';

/** One request as one line. */
export function approvalLine(approval: PendingApproval, now: number, io: Io): string {
  const paint = palette(io.stdout, io);
  const { id, terms, expiresAt } = approval;
  const parts = [
    paint.bold(id),
    stateText(approval, now, paint),
    printable(toolOf(approval)),
    `asked by ${printable(askerOf(approval))}`,
    printable(`from ${whoMay(terms)}`),
    paint.dim(`until ${instant(expiresAt)}`),
  ];
  return `${parts.join('  ')}\n`;
}

/** The whole of a request, with the call that would run: what nobody sees in it is written out. */
export function askedText({ approval, content, findings }: AskedApproval, now: number, io: Io): string {
  const paint = palette(io.stdout, io);
  const { id, terms, requestedAt, expiresAt, server, definition } = approval;
  const rows: readonly (readonly [string, string])[] = [
    ['request', id],
    ['state', stateText(approval, now, paint)],
    ['asked by', printable(askerOf(approval))],
    ['asked', instant(requestedAt)],
    ['until', instant(expiresAt)],
    ['rule', printable(terms.rule)],
    ['from', printable(whoMay(terms))],
    ['server', `${printable(server.name)}  ${paint.dim(`sha256:${server.digest.slice(0, 16)}…`)}`],
    ...(definition === undefined
      ? []
      : [['definition', paint.dim(`sha256:${definition.slice(0, 16)}…`)] as const]),
  ];
  return [
    paint.bold(printable(toolOf(approval))),
    ...rows.map(([name, text]) => `  ${paint.dim(name.padEnd(11))}${text}`),
    ...contentLines(content, paint),
    ...findings.map(
      ({ at, message, excerpt }) => `  ${paint.bad('look')} ${printable(`${at}: ${message} “${excerpt}”`)}`,
    ),
    '',
  ].join('\n');
}

function contentLines(content: AskedApproval['content'], paint: Palette): readonly string[] {
  if (content === undefined)
    return [`  ${paint.bad('arguments: their plaintext is not kept, so nobody can show what would run.')}`];
  return [
    `  ${paint.dim('arguments')}`,
    ...jsonLines(content.arguments),
    ...(content.params ? [`  ${paint.dim('beside the arguments')}`, ...jsonLines(content.params)] : []),
  ];
}

/** Indented JSON, in which every line is one of ours. */
function jsonLines(value: object): readonly string[] {
  return JSON.stringify(value, null, 2)
    .split('\n')
    .map((line) => `    ${printable(line)}`);
}

function stateText(approval: PendingApproval, now: number, paint: Palette): string {
  const state = stateOf(approval, now);
  const { grants, terms } = approval;
  if (state === 'approved') return paint.good(state);
  if (state === 'refused') return paint.bad(state);
  return terms.count > 1 ? `${state} (${grants.length} of ${terms.count})` : state;
}

function toolOf({ server, tool }: PendingApproval): string {
  return `${server.name}/${tool}`;
}

function askerOf({ agent, human }: PendingApproval): string {
  return human === undefined ? agent.id : `${agent.id} for ${human.subject} of ${human.issuer}`;
}

function instant(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
