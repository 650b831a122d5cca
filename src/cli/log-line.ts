import { fromUtf8 } from '../call/sha256.ts';
import type { LogEntry } from '../ledger/ledger.ts';
import type { StatementKind } from '../names.ts';
import type { Io } from './io.ts';
import { palette, type Paint } from './paint.ts';
import { printable } from './printable.ts';

interface Predicate {
  readonly verdict?: unknown;
  readonly outcome?: string;
  readonly reason?: { readonly code?: string; readonly rule?: string };
  readonly tool?: { readonly server?: string; readonly name?: string };
  readonly change?: {
    readonly kind?: string;
    readonly id?: string;
    readonly agent?: string;
    readonly server?: { readonly name?: string };
    readonly revocation?: { readonly kind?: string; readonly id?: string };
  };
  readonly count?: number;
  readonly event?: string;
  readonly key?: { readonly purpose?: string };
  readonly id?: string;
  readonly answer?: string;
  readonly method?: string;
}

/** One entry of the log as one readable line. */
export function logLine(entry: LogEntry, io: Io): string {
  const { good, bad, dim } = palette(io.stdout, io);
  const { mark, says } = describers[entry.kind](predicateOf(entry));
  const paint: Paint =
    mark === 'ALLOW' || mark === 'executed' ? good : mark === 'DENY' ? bad : (text) => text;
  const parts = [
    dim(String(entry.index).padStart(6)),
    dim(new Date(entry.time).toISOString()),
    paint(mark.padEnd(13)),
    printable(says),
    ...(entry.callId === null ? [] : [dim(entry.callId)]),
  ];
  return `${parts.filter((part) => part !== '').join('  ')}\n`;
}

interface Description {
  readonly mark: string;
  readonly says: string;
}

const describers: Readonly<Record<StatementKind, (predicate: Predicate) => Description>> = {
  allow: (predicate) => ({ mark: 'ALLOW', says: verdictText(predicate) }),
  deny: (predicate) => ({ mark: 'DENY', says: verdictText(predicate) }),
  shadow: (predicate) => ({ mark: 'shadow', says: verdictText(predicate) }),
  outcome: ({ outcome, reason }) => ({ mark: outcome ?? 'outcome', says: reason?.code ?? '' }),
  sessionOpen: () => ({ mark: 'session-open', says: '' }),
  sessionClose: ({ count }) => ({ mark: 'session-close', says: `${count ?? '?'} statements` }),
  logOpen: () => ({ mark: 'log-open', says: '' }),
  change: ({ change }) => ({
    mark: 'change',
    says: texts([
      change?.kind,
      change?.server?.name,
      change?.id,
      change?.agent,
      change?.revocation?.kind,
      change?.revocation?.id,
    ]),
  }),
  refusals: () => ({ mark: 'refusals', says: '' }),
  approval: ({ answer, id, tool, method }) => ({
    mark: answer === 'approve' ? 'approved' : 'refused',
    says: `${tool?.server ?? '?'}/${tool?.name ?? '?'}  ${texts([id, method])}`,
  }),
  keyEvent: ({ event, key }) => ({ mark: 'key', says: texts([key?.purpose, event]) }),
};

function verdictText({ tool, reason }: Predicate): string {
  return `${tool?.server ?? '?'}/${tool?.name ?? '?'}  ${texts([reason?.code, reason?.rule])}`;
}

function texts(parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined).join(' ');
}

function predicateOf({ payload }: LogEntry): Predicate {
  const statement = JSON.parse(fromUtf8(payload) ?? '{}') as { predicate?: Predicate };
  return statement.predicate ?? {};
}
