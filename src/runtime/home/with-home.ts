import { assembleBundle } from '../../envelope/bundle.ts';
import type { AnsweringParts } from '../../gate/approvals/answer.ts';
import type { RecordChange } from '../../gate/changes.ts';
import { acceptTools, knownServer, type KnownServer, type KnownTool } from '../../gate/acceptance.ts';
import type { Ledger, LogEntry } from '../../ledger/ledger.ts';
import type { SignedHead } from '../../tlog/proof.ts';
import { changeRecorder } from '../changes.ts';
import type { LogStore } from '../../ledger/store.ts';
import { eraseFormerCalls } from '../former/erase-former.ts';
import { eraseCalls } from '../log/erase.ts';
import { openHomeLedger } from './home-ledger.ts';
import { announceKeyEvent } from '../keys/key-event.ts';
import { openNotary } from './notary.ts';
import type { Home } from './open-home.ts';
import { issuerFinder, readTrustRoot } from '../keys/trust-root.ts';

/** A home as an operator's command uses it. */
export interface OpenedHome {
  readonly ledger: Ledger;
  /** Signs and logs what the operator changed. */
  readonly recordChange: RecordChange;
  /** What signs and logs the answers to requests for approval. */
  readonly answering: AnsweringParts;
  /** The envelope of an entry, with a proof against the newest checkpoint, or another head: a bundle, as JSON text. */
  readonly envelope: (entry: LogEntry, under?: SignedHead) => Promise<string>;
  /** The names of all servers that a gate of this home has seen. */
  readonly serverNames: () => Promise<readonly string[]>;
  readonly server: (name: string) => Promise<KnownServer>;
  /** Signs and logs that the operator accepts exactly these definitions. */
  readonly accept: (server: KnownServer, tools: readonly KnownTool[]) => Promise<void>;
  /** Removes what the side store holds of these calls, and signs and logs that it did. */
  readonly erase: (calls: readonly string[]) => Promise<void>;
  /** The same for the ledger of a log that has ended: this log states it. */
  readonly eraseFormer: (store: LogStore, calls: readonly string[]) => Promise<void>;
}

/** Opens the home's ledger for one command, and closes it again whatever happens. */
export async function withHome<T>(home: Home, use: (opened: OpenedHome) => Promise<T>): Promise<T> {
  const opened = await openHomeLedger(home);
  const { ledger, close } = opened;
  try {
    const notary = openNotary(home, opened);
    await announceKeyEvent(home.layout, notary);
    const recordChange = changeRecorder(notary, 'same-user');
    const issuerOf = issuerFinder(readTrustRoot(home.layout));
    return await use({
      ledger,
      recordChange,
      answering: { ...notary, mode: 'same-user' },
      async envelope(entry, under) {
        const proof = await ledger.prove(entry.index, under);
        // Not always the one of today: an old entry goes with the authority that issued its certificate.
        return assembleBundle({
          signed: entry,
          issuer: issuerOf(entry.leaf),
          proof,
          logKeyId: notary.logKeyId,
        });
      },
      async serverNames() {
        return [...new Set((await ledger.tools()).map(({ server }) => server))];
      },
      server: (name) => knownServer(ledger, name),
      async accept(server, tools) {
        await recordChange(await acceptTools(ledger, server, tools));
      },
      erase: (calls) => eraseCalls(ledger, recordChange, calls),
      eraseFormer: (store, calls) => eraseFormerCalls(store, recordChange, calls),
    });
  } finally {
    await close();
  }
}
