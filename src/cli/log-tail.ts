import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { fromUtf8 } from '../call/sha256.ts';
import type { LogEntry } from '../ledger/ledger.ts';
import { withLog, type ReadLog } from '../runtime/former/former.ts';
import { homeOf } from './home.ts';
import { homeFlags } from './home-options.ts';
import type { Io } from './io.ts';
import { logLine } from './log-line.ts';
import { usage } from './report.ts';

const followEveryMs = 200;
const pageSize = 1_000;

interface TailOptions {
  readonly count: number;
  readonly follow: boolean;
  readonly json: boolean;
}

/** `log tail`: the newest entries, one a line. */
export function logTail(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...homeFlags,
      former: { type: 'string' },
      json: { type: 'boolean', default: false },
      follow: { type: 'boolean', short: 'f', default: false },
      count: { type: 'string', short: 'n', default: '10' },
    },
  });
  if (positionals.length > 0) throw usage('There is one argument too many. Try: countersign help log');
  const options = { count: countOf(values.count), follow: values.follow, json: values.json };
  const home = homeOf(values, io);
  return withLog(home, values.former, (log) => tail(log, options, io));
}

function countOf(text: string): number {
  if (!/^\d{1,7}$/.test(text) || Number(text) > 1_000_000) throw usage('-n takes a count from 0 to 1000000.');
  return Number(text);
}

async function tail({ ledger }: ReadLog, { count, follow, json }: TailOptions, io: Io): Promise<number> {
  const size = async (): Promise<number> => (await ledger.checkpoint())?.size ?? 0;
  let at = Math.max(0, (await size()) - count);
  for (;;) {
    for (const end = await size(); at < end;) {
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
