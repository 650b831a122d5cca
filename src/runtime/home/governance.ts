import { CountersignError } from '../../errors.ts';
import type { RecordChange } from '../../gate/changes.ts';
import type { GateParts } from '../../gate/parts.ts';
import { recover } from '../../gate/recovery.ts';
import { createRevocations } from '../../gate/revocations.ts';
import type { Mode } from '../../envelope/facts.ts';
import { createAuthenticator } from '../../identity/authenticate.ts';
import type { Evidence } from '../../identity/evidence.ts';
import type { Authenticator } from '../../identity/principal.ts';
import { openApiKeyFile } from './api-key-file.ts';
import { changeRecorder } from '../changes.ts';
import { homeGranters } from '../grants/home-granters.ts';
import { readHomeSettings } from './home-config.ts';
import { openHomeLedger, type HomeLedger } from './home-ledger.ts';
import { gateWitnesses } from './home-witnesses.ts';
import { announceKeyEvent } from '../keys/key-event.ts';
import { openNotary, type HomeNotary } from './notary.ts';
import type { Home } from './open-home.ts';

/** A home as a gate uses it, while one process is an instance of its log. */
export interface Governance {
  readonly home: Home;
  readonly homeLedger: HomeLedger;
  readonly notary: HomeNotary;
  readonly recordChange: RecordChange;
  /** Everything that a gate is made of but what it decides by. */
  readonly gateParts: Omit<GateParts, 'policy' | 'directory'>;
  readonly close: () => Promise<void>;
}

/** Who may call this home; the keys' file is looked at on every call. Beside a key nothing is believed unless told. */
export function homeAuthenticator({ layout, config }: Home, evidence: Evidence = {}): Authenticator {
  return createAuthenticator({
    evidence,
    granters: homeGranters(layout, evidence.granters),
    keys: openApiKeyFile({ peppers: layout.peppers, keys: layout.apiKeys }),
    trustDomain: config.trustDomain,
  });
}

/**
 * Opens a home's ledger and keys, and settles what dead gates left open. Rejects, with nothing held, when anything that a call
 * needs is missing. Whoever gives a mode has established that it is so: it is in every statement.
 */
export async function openGovernance(
  home: Home,
  authenticator: Authenticator,
  stderr: { write(text: string): unknown },
  settings = readHomeSettings(home),
  mode: Mode = 'same-user',
): Promise<Governance> {
  const homeLedger = await openHomeLedger(home);
  try {
    const notary = openNotary(home, homeLedger);
    notary.openKeys();
    await announceKeyEvent(home.layout, notary);
    await recover({ ...notary, mode }, homeLedger.isAlive);
    await homeLedger.sweep();
    const { ledger, instance } = homeLedger;
    return {
      home,
      homeLedger,
      notary,
      recordChange: changeRecorder(notary, mode),
      gateParts: {
        ...notary,
        ...gateWitnesses(settings, ledger, stderr),
        mode,
        authenticator,
        revocations: createRevocations({ ledger }),
        instance: instance.id,
        assertAlive() {
          if (instance.stillMine()) return;
          throw new CountersignError(
            'GATE_CLOSED',
            'This gate lost the lock that shows it alive, and may have been taken for dead. If this lasts, restart it.',
          );
        },
      },
      close: () => homeLedger.close(),
    };
  } catch (error) {
    await homeLedger.close();
    throw error;
  }
}
