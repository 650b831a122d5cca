import { CountersignError } from '../../errors.ts';
import type { RefuseToken, TokenFault } from '../tokens/token-fault.ts';

type GrantCode = 'GRANT_INVALID' | 'GRANT_EXPIRED' | 'GRANT_FOREIGN';

const codes: Partial<Readonly<Record<TokenFault, GrantCode>>> = {
  EXPIRED: 'GRANT_EXPIRED',
  ISSUER_UNKNOWN: 'GRANT_FOREIGN',
  SUBJECT_REFUSED: 'GRANT_FOREIGN',
};

/** The error for a fault of a grant; `what` goes on from “The grant …”, and repeats nothing of it. */
export const refuseGrant: RefuseToken = (fault, what) =>
  new CountersignError(codes[fault] ?? 'GRANT_INVALID', `The grant ${what}.`);
