import { toCountersignError } from '../../errors.ts';
import type { Credentials, Refusal } from '../../identity/principal.ts';
import type { ReasonCode } from '../../names.ts';
import type { GrantSource } from '../grants/grant-environment.ts';
import type { HumanTokenSource } from './human-token.ts';

/** What each call of a wrapped server brings: the key, the token of whom it is made for, and the grant. Never rejects. */
export function callCredentials(
  apiKey: string | undefined,
  humanToken: HumanTokenSource | undefined,
  grant?: GrantSource,
): () => Credentials | Promise<Credentials> {
  const alone: Credentials = { apiKey };
  if (humanToken === undefined && grant === undefined) return () => alone;
  return async () => {
    const [human, granted] = await Promise.all([
      had(humanToken, 'LOGIN_FAILED', 'The human’s token cannot be had.'),
      had(grant, 'GRANT_INVALID', 'The grant cannot be had.'),
    ]);
    return {
      apiKey,
      ...(typeof human === 'string' ? { humanToken: human } : human && { humanUnavailable: human }),
      ...(typeof granted === 'string' ? { grant: granted } : granted && { grantUnavailable: granted }),
    };
  };
}

/** What a source gives, or why it should and cannot. */
async function had(
  source: (() => Promise<string | undefined>) | undefined,
  code: ReasonCode,
  sentence: string,
): Promise<string | Refusal | undefined> {
  try {
    return await source?.();
  } catch (error) {
    const { code: why, message } = toCountersignError(error, code, sentence);
    return { code: why, message };
  }
}
