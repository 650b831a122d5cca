import { concatBytes } from '../call/bytes.ts';
import { CountersignError } from '../errors.ts';
import type { McpHttpLimits } from './mcp-http.ts';

/** A body may come slowly, but not so slowly that each byte just meets the limit: in all it has this many of them. */
const idlePeriods = 10;

/**
 * The whole of an answer that is no stream, counted as it comes out of decompression.
 *
 * @throws CountersignError `TOO_LARGE` beyond `maxFrameBytes`; `UPSTREAM_GONE` when it is too slow.
 * @throws What the body throws when the connection breaks.
 */
export async function readBody(
  body: ReadableStream<Uint8Array> | null,
  { maxFrameBytes, idleMs }: Pick<McpHttpLimits, 'maxFrameBytes' | 'idleMs'>,
): Promise<Uint8Array> {
  if (body === null) return new Uint8Array();
  const reader = body.getReader();
  const deadline = performance.now() + idleMs * idlePeriods;
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const chunk = await within(Math.min(idleMs, deadline - performance.now()), reader.read());
      if (chunk.value === undefined) return concatBytes(...chunks);
      length += chunk.value.length;
      if (length > maxFrameBytes)
        throw new CountersignError('TOO_LARGE', `A message is longer than ${maxFrameBytes} bytes.`);
      chunks.push(chunk.value);
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new CountersignError('UPSTREAM_GONE', 'The server did not finish its answer in time.')),
    Math.max(0, ms),
  );
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
