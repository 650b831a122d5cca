import { readAtMost } from '../../call/read-at-most.ts';
import { CountersignError } from '../../errors.ts';
import type { TileSource } from '../../evidence/tile-source.ts';

const timeoutMs = 60_000;

/** An exported log behind a URL prefix, as C2SP tlog-tiles serves it. Redirects are not followed: it is the log that was named. */
export function fetchTiles(prefix: string): TileSource {
  const base = prefix.endsWith('/') ? prefix : `${prefix}/`;
  return {
    async read(path, most) {
      try {
        const answer = await fetch(new URL(path, base), {
          redirect: 'error',
          signal: AbortSignal.timeout(timeoutMs),
        });
        if (answer.status === 404 || answer.status === 410) {
          await answer.body?.cancel();
          return undefined;
        }
        if (answer.status === 200) return await readBody(answer, most);
        await answer.body?.cancel();
        throw unreadable(path, `the server answered ${answer.status}`);
      } catch (error) {
        if (error instanceof CountersignError) throw error;
        throw unreadable(path, error instanceof Error ? error.name : 'unknown', error);
      }
    },
  };
}

/** Rejects with EXPORT_UNREADABLE when it is longer. */
async function readBody(answer: Response, most: number): Promise<Uint8Array> {
  const body = await readAtMost(answer.body, most);
  if (body === undefined) throw unreadable(new URL(answer.url).pathname, `it has more than ${most} bytes`);
  return body;
}

function unreadable(path: string, why: string, cause?: unknown): CountersignError {
  return new CountersignError('EXPORT_UNREADABLE', `${path} cannot be fetched: ${why}.`, { cause });
}
