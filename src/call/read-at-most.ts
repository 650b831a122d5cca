import { concatBytes } from './bytes.ts';

/**
 * The whole of a body; undefined, and the rest unread, when it is longer than `limit` bytes. Counted while it comes: whoever sends
 * it could do so without end, compressed or not.
 */
export async function readAtMost(
  body: AsyncIterable<Uint8Array> | null,
  limit: number,
): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop cancels the stream.
  for await (const chunk of body ?? []) {
    length += chunk.length;
    if (length > limit) return undefined;
    chunks.push(chunk);
  }
  return concatBytes(...chunks);
}
