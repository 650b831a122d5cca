import { readAtMost } from '../../call/read-at-most.ts';
import { maxJwksBytes } from './jwks.ts';

const timeoutMs = 5_000;

/**
 * Reads a key set at exactly this URL. A redirect is an error: whoever could answer with one would choose where keys come from.
 */
export function loadFromUrl(url: string, fetch: typeof globalThis.fetch): () => Promise<Uint8Array> {
  return async () => {
    const response = await fetch(url, {
      headers: { accept: 'application/jwk-set+json, application/json' },
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    const body = response.status === 200 ? await readAtMost(response.body, maxJwksBytes) : undefined;
    if (body !== undefined) return body;
    await response.body?.cancel().catch(() => undefined);
    throw new Error(
      `The keys were not answered with one body of a fitting size (status ${response.status}).`,
    );
  };
}
