import type { Json } from '../call/json.ts';
import type { EntryDraft } from '../ledger/ledger.ts';
import type { InclusionProof } from '../tlog/proof.ts';

/** Something that an operator or a first contact changed: a signed statement, and the heads that it moves. */
export interface Change {
  readonly change: Readonly<Record<string, Json>> & { readonly kind: string };
  readonly expects: EntryDraft['expects'];
  readonly sets: EntryDraft['sets'];
  readonly erases?: readonly string[];
}

/** Signs a change and appends it to the log; rejects with LEDGER_CONFLICT when a head has moved. */
export type RecordChange = (change: Change) => Promise<InclusionProof>;
