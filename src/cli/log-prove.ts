import { parseArgs } from 'node:util';
import { base64 } from '../call/sha256.ts';
import { withLog } from '../runtime/former/former.ts';
import { proveCall } from '../runtime/log/log-evidence.ts';
import { formatTlogProof } from '../tlog/tlog-proof.ts';
import { homeOf } from './home.ts';
import type { Io } from './io.ts';
import { callIdOf } from './log-call-id.ts';
import { usage } from './report.ts';
import { headOptions, keptHead, requireNewest } from './shown-head.ts';
import { witnessedHead } from './witnessed-head.ts';

/** `log prove CALL_ID`: that an entry is in the log, for tools that know nothing but logs. */
export function logProve(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      home: { type: 'string' },
      format: { type: 'string', default: 'tlog-proof' },
      outcome: { type: 'boolean', default: false },
      witnessed: { type: 'boolean', default: false },
      ...headOptions,
    },
  });
  const callId = callIdOf(positionals);
  const { format } = values;
  if (format !== 'tlog-proof' && format !== 'json') {
    throw usage(`--format takes tlog-proof or json, and not “${format}”.`);
  }
  const home = homeOf(values, io);
  requireNewest(values);
  return withLog(home, values.former, async (log) => {
    const kept = await keptHead(home, log, values.checkpoint, io);
    const head = values.witnessed ? await witnessedHead(home, log, io) : kept?.head;
    const { entry, proof } = await proveCall(log, callId, values.outcome ? 'outcome' : 'verdict', head);
    const { logIndex, treeSize, rootHash, hashes, checkpoint } = proof;
    io.stdout.write(
      format === 'tlog-proof'
        ? formatTlogProof({ index: logIndex, hashes, checkpoint })
        : `${JSON.stringify({
            callId,
            kind: entry.kind,
            logIndex,
            treeSize,
            rootHash: base64(rootHash),
            hashes: hashes.map(base64),
            leaf: base64(entry.leaf),
            checkpoint,
          })}\n`,
    );
    return 0;
  });
}
