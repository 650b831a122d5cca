import { assembleBundle } from '../envelope/bundle.ts';
import { acceptTools, knownServer, type KnownServer, type KnownTool } from '../gate/acceptance.ts';
import type { Ledger, LogEntry } from '../ledger/ledger.ts';
import { changeRecorder } from './changes.ts';
import { eraseCalls } from './erase.ts';
import { openHomeLedger } from './home-ledger.ts';
import { issuingCertificate, openNotary } from './notary.ts';
import type { Home } from './open-home.ts';

/** A home as an operator's command uses it. */
export interface OpenedHome {
  readonly ledger: Ledger;
  /** The envelope of an entry, with a proof against the newest checkpoint: a bundle, as JSON text. */
  readonly envelope: (entry: LogEntry) => Promise<string>;
  /** The names of all servers that a gate of this home has seen. */
  readonly serverNames: () => Promise<readonly string[]>;
  readonly server: (name: string) => Promise<KnownServer>;
  /** Signs and logs that the operator accepts exactly these definitions. */
  readonly accept: (server: KnownServer, tools: readonly KnownTool[]) => Promise<void>;
  /** Removes what the side store holds of these calls, and signs and logs that it did. */
  readonly erase: (calls: readonly string[]) => Promise<void>;
}

/** Opens the home's ledger for one command, and closes it again whatever happens. */
export async function withHome<T>(home: Home, use: (opened: OpenedHome) => Promise<T>): Promise<T> {
  const { ledger, close } = await openHomeLedger(home);
  try {
    const notary = openNotary(home, ledger);
    const recordChange = changeRecorder(notary, 'same-user');
    const issuer = issuingCertificate(home);
    return await use({
      ledger,
      async envelope(entry) {
        const proof = await ledger.prove(entry.index);
        return assembleBundle({ signed: entry, issuer, proof, logKeyId: notary.logKeyId });
      },
      async serverNames() {
        return [...new Set((await ledger.tools()).map(({ server }) => server))];
      },
      server: (name) => knownServer(ledger, name),
      async accept(server, tools) {
        await recordChange(await acceptTools(ledger, server, tools));
      },
      erase: (calls) => eraseCalls(ledger, recordChange, calls),
    });
  } finally {
    await close();
  }
}
