import { toCountersignError } from '../../errors.ts';
import type { Credentials } from '../../identity/principal.ts';
import type { HumanTokenSource } from './human-token.ts';

/** What each call of a wrapped server brings: the key, and the token of whom it is made for. Never rejects. */
export function callCredentials(
  apiKey: string | undefined,
  source: HumanTokenSource | undefined,
): () => Credentials | Promise<Credentials> {
  const alone: Credentials = { apiKey };
  if (source === undefined) return () => alone;
  return async () => {
    try {
      return { apiKey, humanToken: await source() };
    } catch (error) {
      const { code, message } = toCountersignError(error, 'LOGIN_FAILED', 'The human’s token cannot be had.');
      return { apiKey, humanUnavailable: { code, message } };
    }
  };
}
