import { assembleBundle } from '../../envelope/bundle.ts';
import type { CallBundles } from '../../gateway/http/envelope-routes.ts';
import type { Ledger, LogEntry } from '../../ledger/ledger.ts';
import { apiKeyIdOf } from './call-statement.ts';

export interface CallBundlesParts {
  readonly ledger: Ledger;
  /** Finds the CA certificate that issued the signing certificate of a leaf. */
  readonly issuerOf: (leaf: Uint8Array) => Uint8Array;
  readonly logKeyId: Uint8Array;
}

/** The envelopes of one call that was made under this API key; undefined for every other call. */
export async function findCallBundles(
  { ledger, issuerOf, logKeyId }: CallBundlesParts,
  callId: string,
  apiKeyId: string,
): Promise<CallBundles | undefined> {
  const entries = await ledger.entriesOfCall(callId);
  const verdict = entries.find(({ kind }) => kind !== 'outcome');
  const outcome = entries.find(({ kind }) => kind === 'outcome');
  if (verdict === undefined || apiKeyIdOf(verdict) !== apiKeyId) return undefined;
  const bundle = async (entry: LogEntry): Promise<string> =>
    assembleBundle({
      signed: entry,
      issuer: issuerOf(entry.leaf),
      proof: await ledger.prove(entry.index),
      logKeyId,
    });
  return {
    verdict: await bundle(verdict),
    ...(outcome && { outcome: await bundle(outcome) }),
  };
}
