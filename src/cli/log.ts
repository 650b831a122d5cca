import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { isUuid } from '../call/uuid.ts';
import { fromUtf8 } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import type { LogEntry } from '../ledger/ledger.ts';
import { homePath } from '../runtime/home-layout.ts';
import { openHome } from '../runtime/open-home.ts';
import { withHome, type OpenedHome } from '../runtime/with-home.ts';
import type { Command, Io } from './io.ts';
import { logLine } from './log-line.ts';
import { usage } from './report.ts';

const help = `Usage: countersign log tail [-f] [-n COUNT] [--json] [--home DIR]
       countersign log show CALL_ID [--action] [--json] [--home DIR]

tail   prints the newest entries of the log (10, or COUNT), one a line; -f waits for more
show   prints the envelopes of one call: its verdict, and its outcome once there is one
         --action   prints the call's action document instead: the artifact that cosign wants beside the envelope
         --json     prints {"callId", "verdict", "outcome"} on one line

  countersign log show CALL_ID --json | countersign verify --trust trusted_root.json -
`;

export const logCommand: Command = {
  name: 'log',
  summary: 'read the log: tail it, show the envelopes of a call',
  help,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        home: { type: 'string' },
        json: { type: 'boolean', default: false },
        follow: { type: 'boolean', short: 'f', default: false },
        count: { type: 'string', short: 'n', default: '10' },
        action: { type: 'boolean', default: false },
      },
    });
    const [verb, callId, ...rest] = positionals;
    if (rest.length > 0) throw usage('There is one argument too many. Try: countersign help log');
    const home = openHome(homePath(values.home, io.env, io.cwd));
    return withHome(home, (opened) => {
      if (verb === 'tail' && callId === undefined) {
        return tail(opened, { count: countOf(values.count), follow: values.follow, json: values.json }, io);
      }
      if (verb === 'show' && callId !== undefined) return show(opened, callId, values, io);
      throw usage('Say “log tail” or “log show CALL_ID”. Try: countersign help log');
    });
  },
};

function countOf(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 0 || count > 1_000_000)
    throw usage('-n takes a count from 0 to 1000000.');
  return count;
}

const followEveryMs = 200;
const pageSize = 1_000;

interface TailOptions {
  readonly count: number;
  readonly follow: boolean;
  readonly json: boolean;
}

async function tail({ ledger }: OpenedHome, { count, follow, json }: TailOptions, io: Io): Promise<number> {
  const size = async (): Promise<number> => (await ledger.checkpoint())?.size ?? 0;
  let at = Math.max(0, (await size()) - count);
  for (;;) {
    for (let end = await size(); at < end;) {
      const entries = await ledger.entries(at, Math.min(end, at + pageSize));
      for (const entry of entries) io.stdout.write(json ? jsonLine(entry) : logLine(entry, io));
      at += entries.length;
    }
    if (!follow) return 0;
    await sleep(followEveryMs);
  }
}

function jsonLine(entry: LogEntry): string {
  const { index, kind, callId, time } = entry;
  const statement = JSON.parse(fromUtf8(entry.payload) ?? 'null') as unknown;
  return `${JSON.stringify({ index, kind, callId, time: new Date(time).toISOString(), statement })}\n`;
}

async function show(
  opened: OpenedHome,
  callId: string,
  { action, json }: { action: boolean; json: boolean },
  io: Io,
): Promise<number> {
  if (!isUuid(callId)) throw usage(`“${callId}” is not a call id: it is the UUID that “log tail” prints.`);
  const entries = await opened.ledger.entriesOfCall(callId);
  if (entries.length === 0) throw new CountersignError('NOT_FOUND', `The log has no call ${callId}.`);
  if (action) {
    io.stdout.write(await actionDocument(opened, callId));
    return 0;
  }
  const verdict = entries.find(({ kind }) => kind !== 'outcome');
  const outcome = entries.find(({ kind }) => kind === 'outcome');
  const envelopes = {
    callId,
    verdict: verdict ? (JSON.parse(await opened.envelope(verdict)) as unknown) : null,
    outcome: outcome ? (JSON.parse(await opened.envelope(outcome)) as unknown) : null,
  };
  if (!json) for (const entry of entries) io.stderr.write(logLine(entry, io));
  io.stdout.write(`${JSON.stringify(envelopes, null, json ? undefined : 2)}\n`);
  return 0;
}

/** The exact bytes whose digest is the statements' subject: no line end is added. */
async function actionDocument({ ledger }: OpenedHome, callId: string): Promise<string> {
  const row = (await ledger.side(callId)).find(({ name }) => name === 'action');
  if (!row?.value) {
    throw new CountersignError(
      'PLAINTEXT_MISSING',
      `The plaintext of call ${callId} was not kept, or was erased.`,
    );
  }
  return fromUtf8(row.value) ?? '';
}
