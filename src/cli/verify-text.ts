import type {
  ApprovalReport,
  CallReport,
  EnvelopeReport,
  Report,
  ReportedFailure,
} from '../verify/report.ts';
import type { Io } from './io.ts';
import { palette } from './paint.ts';
import type { Palette } from './paint.ts';
import { printable } from './printable.ts';

/** A verification's report for people: one block a call, one line a failed check. */
export function formatReport(report: Report, io: Pick<Io, 'stdout' | 'env'>): string {
  const paint = palette(io.stdout, io);
  const { calls, failures } = report;
  const refused = calls.filter(({ ok }) => !ok).length;
  const blocks = calls.map((call) => formatCall(call, paint));
  const between = failures.map((failure) => formatFailure(failure, paint));
  const verdict = report.ok
    ? paint.good(`verified: ${calls.length}`)
    : paint.bad(`refused: ${refused > 0 ? `${refused} of ${calls.length}` : 'the whole'}`);
  const declared =
    report.compromised === undefined ? '' : ` · compromised keys as declared in sha256:${report.compromised}`;
  return [
    ...blocks,
    ...between,
    `${verdict}   ${paint.dim(`assurance: ${report.assurance} · trust root sha256:${report.trustRoot}${declared}`)}`,
    '',
  ].join('\n');
}

function formatCall(call: CallReport, paint: Palette): string {
  const [first] = call.envelopes;
  const title = first === undefined ? call.from.join(', ') : headline(call.envelopes);
  const mark = call.ok ? paint.good('✔') : paint.bad('✘');
  const rows = [
    ...call.failures.map((failure) => formatFailure(failure, paint)),
    ...(first === undefined
      ? []
      : rowsOf(call, first).map(([name, text]) => `  ${paint.dim(name.padEnd(11))}${text}`)),
  ];
  return [`${mark} ${paint.bold(title)}`, ...rows, ''].join('\n');
}

function headline(envelopes: readonly EnvelopeReport[]): string {
  const said = envelopes.find(({ verdict }) => verdict !== undefined);
  const did = envelopes.find(({ outcome }) => outcome !== undefined);
  const shadow = said?.kind === 'shadow' ? ' (shadow, not enforced)' : '';
  const parts = [said?.verdict && `${said.verdict}${shadow}`, said?.tool, did?.outcome];
  const known = parts.filter((part) => part !== undefined).map(printable);
  return known.length > 0 ? known.join('  ') : printable(envelopes[0]?.predicateType ?? '');
}

function rowsOf({ envelopes, binding }: CallReport, first: EnvelopeReport): (readonly [string, string])[] {
  const rows: [string, string | undefined][] = [
    ['call', first.callId],
    ['signed by', first.signer.identity],
    ['agent', first.agent],
    ['for', first.human],
    ['granted', first.grants && grantedText(first.grants)],
    ['rule', first.rule],
    ['reason', first.reason && [first.reason, first.message].filter((part) => part !== undefined).join(': ')],
    ['mode', first.mode],
    ['changed', first.argumentsChanged && 'policy changed the arguments: this is about the call that ran'],
    ...(first.approvals ?? []).map((each): [string, string] => ['approved', approvalText(each)]),
    ['run by', ranBy(envelopes)],
  ];
  for (const envelope of envelopes) {
    const { time, authority } = envelope.stamped;
    const { origin, index, treeSize, cosigned } = envelope.log;
    const name = envelope.outcome === undefined ? 'when' : 'settled';
    rows.push(
      [name, `${time} by ${authority}`],
      ['log', `${origin} entry ${index} of ${treeSize}`],
      ['witnessed', cosigned && `by ${cosigned.names.join(', ')} since ${cosigned.since}`],
    );
  }
  rows.push(
    ['subject', binding.subject ?? 'not opened'],
    ['arguments', binding.arguments],
    ['params', binding.params && paramsText[binding.params]],
    ['approval', binding.approvals],
    ['result', binding.result && resultText[binding.result]],
    ['disclosed', binding.openings?.join(', ')],
  );
  return rows.flatMap(([name, text]) => (text === undefined ? [] : [[name, printable(text)] as const]));
}

/** One line: who granted, to whom it went from hand to hand, and which grant the last one is. */
function grantedText(grants: NonNullable<EnvelopeReport['grants']>): string {
  const [root] = grants;
  const hands = [root?.issuer, ...grants.map(({ subject }) => subject)].filter((one) => one !== undefined);
  return `${hands.join(' → ')} (${grants.map(({ id }) => id).join(' → ')})`;
}

/** A token says who somebody is to their issuer; a terminal says of nobody who they are. */
function approvalText({ rule, grants }: ApprovalReport): string {
  const people = grants.map(({ by, as, method, at }) => {
    const who = by === 'operator' ? 'the operator' : `${by.subject} of ${by.issuer} as ${as}`;
    return `${who} (${method}, ${at})`;
  });
  return `for rule ${rule} by ${people.join(', ')}`;
}

/** By whom, where it was not the gate: then what became of the call is one party's word, and is printed as that. */
function ranBy(envelopes: readonly EnvelopeReport[]): string | undefined {
  const settleBy = envelopes.find((envelope) => envelope.settleBy !== undefined)?.settleBy;
  const told = envelopes.some(({ observedBy }) => observedBy === 'caller');
  const until = settleBy === undefined ? '' : `, to be told by ${settleBy}`;
  if (told) return `the caller itself${until}: the outcome is what it said, the gate saw nothing of it`;
  return settleBy === undefined ? undefined : `the caller itself${until}`;
}

const paramsText = {
  opened: 'opened',
  asked: 'opened, as they were asked: policy changed the arguments',
};

const resultText = {
  raw: 'opened, byte for byte',
  normalised: 'opened by value: its bytes were printed anew',
  reason: 'the signed reason',
};

function formatFailure({ part, code, field, message }: ReportedFailure, paint: Palette): string {
  return `  ${paint.bad(code)} ${printable(`${part}${field === '' ? '' : ` ${field}`}: ${message}`)}`;
}
