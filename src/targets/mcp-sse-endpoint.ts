import { fromUtf8 } from '../call/bytes.ts';
import { CountersignError } from '../errors.ts';
import type { StreamEvent, StreamFault } from './mcp-event-stream.ts';

const maxLength = 4_096;

/**
 * Where messages are posted to: what the first event of an HTTP+SSE server says. What came before it is not looked at.
 *
 * @throws CountersignError `UPSTREAM_INVALID` when it is no URL of the server's own origin: our credentials go there.
 * @throws CountersignError `UPSTREAM_GONE` when the stream ends before, or it does not come in time.
 */
export async function readEndpoint(
  events: AsyncGenerator<StreamEvent | StreamFault>,
  url: string,
  withinMs: number,
): Promise<string> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), withinMs);
  try {
    for (;;) {
      const next = await Promise.race([events.next(), late.promise]);
      if (next === undefined || next.done)
        throw new CountersignError('UPSTREAM_GONE', 'The server did not say where it takes messages.');
      if (next.value.fault) throw new CountersignError('UPSTREAM_INVALID', next.value.fault.message);
      if (next.value.type === 'endpoint') return endpointOf(next.value.bytes, url);
    }
  } finally {
    clearTimeout(timer);
  }
}

function endpointOf(bytes: Uint8Array, url: string): string {
  const text = bytes.length <= maxLength ? fromUtf8(bytes) : undefined;
  const endpoint = text === undefined ? null : URL.parse(text, url);
  if (endpoint?.origin !== new URL(url).origin || endpoint.username !== '' || endpoint.password !== '')
    throw new CountersignError(
      'UPSTREAM_INVALID',
      'The server takes messages at another place than its own.',
    );
  return endpoint.href;
}
