import type { Ledger } from '../../ledger/ledger.ts';
import { createWitnesses, type Asked, type Witnesses } from '../../ledger/witnesses.ts';
import { CountersignError } from '../../errors.ts';
import { createWarner } from '../../gateway/mcp/warnings.ts';
import type { SignedHead } from '../../tlog/proof.ts';
import { readHomeSettings, type HomeSettings } from './home-config.ts';
import type { Home } from './open-home.ts';
import type { OpenedHome } from './with-home.ts';

export type { Asked } from '../../ledger/witnesses.ts';
export type { SignedHead } from '../../tlog/proof.ts';

/** The witnesses of a home for a gate, or nothing to put into one; what is wrong with them, the operator reads on `stderr`. */
export function gateWitnesses(
  { witnesses }: HomeSettings,
  ledger: Ledger,
  stderr: { write(text: string): unknown },
): { readonly witnesses?: Witnesses } {
  if (witnesses.length === 0) return {};
  const warn = createWarner((line) => stderr.write(line));
  return { witnesses: createWitnesses({ log: ledger, witnesses, warn }) };
}

/** Shows the newest head to every witness of the home: CONFIG_INVALID when there is none. */
export async function askWitnesses(home: Home, { ledger }: Pick<OpenedHome, 'ledger'>): Promise<Asked> {
  const { witnesses } = readHomeSettings(home);
  if (witnesses.length === 0) {
    throw new CountersignError(
      'CONFIG_INVALID',
      `This home has no witnesses: list them in ${home.layout.settings}.`,
    );
  }
  return createWitnesses({ log: ledger, witnesses }).askAll();
}

/** What a witness says that speaks of another history of this log, if one does. */
export function forkClaim({ answers }: Asked): CountersignError | undefined {
  for (const { witness, answer } of answers) {
    if (answer.kind !== 'forked') continue;
    return new CountersignError(
      'LOG_FORKED',
      `The witness ${witness.key.name} says that ${answer.message}. Either it lies, or this log’s key has signed two ` +
        'histories. Keep the ledger as it is, and compare it with what the witness has.',
    );
  }
  return undefined;
}

/** The head with every cosignature that it got: LOG_FORKED when a witness contradicts it, WITNESS_UNAVAILABLE when it got none. */
export function headOf(asked: Asked): SignedHead {
  const claim = forkClaim(asked);
  if (claim !== undefined) throw claim;
  if (asked.answers.some(({ answer }) => answer.kind === 'cosigned')) return asked.head;
  throw new CountersignError('WITNESS_UNAVAILABLE', 'No witness of this home cosigned the log’s head.');
}
