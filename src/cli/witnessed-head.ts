import { askWitnesses, headOf } from '../runtime/home/home-witnesses.ts';
import type { SignedHead } from '../runtime/home/home-witnesses.ts';
import type { Home } from '../runtime/home/open-home.ts';
import type { OpenedHome } from '../runtime/home/with-home.ts';
import type { Io } from './io.ts';

export type { SignedHead } from '../runtime/home/home-witnesses.ts';

/**
 * For `--witnessed`: the newest head as the home's witnesses cosigned it. Who did not is told on stderr; WITNESS_UNAVAILABLE when nobody
 * did, LOG_FORKED when one says that it has seen another history.
 */
export async function witnessedHead(
  home: Home,
  opened: Pick<OpenedHome, 'ledger'>,
  { stderr }: Io,
): Promise<SignedHead> {
  const asked = await askWitnesses(home, opened);
  for (const { witness, answer } of asked.answers) {
    if (answer.kind === 'failed') {
      stderr.write(`countersign: The witness ${witness.key.name} did not cosign: ${answer.message}.\n`);
    }
  }
  return headOf(asked);
}
