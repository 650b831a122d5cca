import type { JsonObject } from '../../call/json.ts';
import { hex } from '../../call/sha256.ts';
import { logOpen } from '../../envelope/statements.ts';
import type { Change } from '../../gate/changes.ts';
import { notarise } from '../../gate/notary.ts';
import type { ToolRecord } from '../../ledger/ledger.ts';
import { leafHash } from '../../tlog/merkle.ts';
import type { NamedHead } from './backup.ts';
import { changeRecorder } from '../changes.ts';
import { createHomeLedger } from '../home/home-ledger.ts';
import { openNotary } from '../home/notary.ts';
import type { Home } from '../home/open-home.ts';

/** What a log begins with that goes on from another one. */
export interface Succession {
  readonly former: NamedHead;
  /** A larger head of the former log, which was shown to somebody and is not in the ledger that was restored. */
  readonly lost?: Omit<NamedHead, 'origin'>;
  readonly openCalls: readonly string[];
  readonly carried: readonly Change[];
  readonly tools: readonly ToolRecord[];
}

const mode = 'same-user';

/** Open calls that the statement names; it always says how many there are. */
const namedCalls = 256;

/**
 * Makes the ledger of `home` and writes its beginning: which log it goes on from, what of that is missing or open, and what was
 * accepted there. Sessions are not carried over: a gate opens its own. Returns the leaf hash of its first entry, hex.
 */
export async function openSuccessor(home: Home, succession: Succession): Promise<string> {
  const opened = await createHomeLedger(home);
  const { ledger, logKeyId, close } = opened;
  try {
    const notary = openNotary(home, opened);
    const time = notary.clock.now();
    const { former } = succession;
    const statement = logOpen({
      origin: home.config.origin,
      keyId: hex(logKeyId),
      openedAt: time,
      mode,
      predecessor: former,
    });
    const { signed } = await notarise(notary, 'logOpen', statement, time);
    await ledger.append({ signed, time, expects: [], sets: [], side: [] });
    await ledger.rememberTools(succession.tools);
    const record = changeRecorder(notary, mode);
    await record({ change: restoredChange(succession), expects: [], sets: [] });
    for (const change of succession.carried) await record(change);
    return hex(leafHash(signed.leaf));
  } finally {
    await close();
  }
}

function restoredChange({ former, lost, openCalls }: Succession): JsonObject & { kind: string } {
  return {
    kind: 'log-restored',
    from: { ...former },
    ...(lost && { lost: { ...lost } }),
    openCalls: { count: openCalls.length, ids: openCalls.slice(0, namedCalls) },
  };
}
