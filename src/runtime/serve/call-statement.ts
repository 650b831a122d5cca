import { fromUtf8 } from '../../call/sha256.ts';
import type { LogEntry } from '../../ledger/ledger.ts';
import type { ReasonCode } from '../../names.ts';

/** What an entry about a call says of it, as the gate has signed it: the parts that readers are told by. */
export interface CallStatement {
  readonly verdict?: 'ALLOW' | 'DENY' | object;
  readonly reason?: { readonly code?: ReasonCode | 'RULE_ALLOWS' };
  readonly decidedAt?: string;
  readonly finishedAt?: string;
  readonly outcome?: string;
  readonly principal?: { readonly apiKey?: { readonly id?: string } };
  readonly tool?: { readonly server?: string; readonly name?: string };
}

export function callStatementOf({ payload }: LogEntry): CallStatement {
  const { predicate = {} } = JSON.parse(fromUtf8(payload) ?? '{}') as { readonly predicate?: CallStatement };
  return predicate;
}

/** Whose call a verdict was about: the id of an API key. */
export function apiKeyIdOf(verdict: LogEntry): string | undefined {
  return callStatementOf(verdict).principal?.apiKey?.id;
}
