import { parseArgs } from 'node:util';
import { fromUtf8 } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import type { LogEntry } from '../ledger/ledger.ts';
import { envelopeUnder } from '../runtime/log/anchor.ts';
import { withLog, type ReadLog } from '../runtime/former/former.ts';
import { homeOf } from './home.ts';
import { homeFlags } from './home-options.ts';
import type { Io } from './io.ts';
import { callIdOf } from './log-call-id.ts';
import { logLine } from './log-line.ts';
import { headOptions, keptHead, requireNewest } from './shown-head.ts';
import { witnessedHead } from './witnessed-head.ts';

/** `log show CALL_ID`: the envelopes of one call, or its action document. */
export function logShow(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...homeFlags,
      json: { type: 'boolean', default: false },
      action: { type: 'boolean', default: false },
      witnessed: { type: 'boolean', default: false },
      ...headOptions,
    },
  });
  const callId = callIdOf(positionals);
  const home = homeOf(values, io);
  requireNewest(values);
  return withLog(home, values.former, async (log) => {
    const kept = await keptHead(home, log, values.checkpoint, io);
    const head = values.witnessed ? await witnessedHead(home, log, io) : undefined;
    const envelope = (entry: LogEntry): Promise<string> =>
      kept ? envelopeUnder(home, log.ledger, entry, kept) : log.envelope(entry, head);
    return show({ ...log, envelope }, callId, values, io);
  });
}

async function show(
  opened: ReadLog,
  callId: string,
  { action, json }: { readonly action: boolean; readonly json: boolean },
  io: Io,
): Promise<number> {
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
async function actionDocument({ ledger }: ReadLog, callId: string): Promise<string> {
  const row = (await ledger.side(callId)).find(({ name }) => name === 'action');
  if (!row?.value) {
    throw new CountersignError(
      'PLAINTEXT_MISSING',
      `The plaintext of call ${callId} was not kept, or was erased.`,
    );
  }
  return fromUtf8(row.value) ?? '';
}
