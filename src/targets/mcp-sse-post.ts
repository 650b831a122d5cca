import type { Failure } from './mcp-http-failure.ts';
import { invalid, refusedWith, unreachable } from './mcp-http-failure.ts';
import type { McpHttpPeer } from './mcp-http-request.ts';
import { ask, discard, isRedirect } from './mcp-http-request.ts';

/** Posts one message whose answer, if it has one, comes elsewhere. Why it was not taken; undefined when it was. */
export async function postMessage(
  peer: McpHttpPeer,
  body: Uint8Array,
  signal: AbortSignal,
): Promise<Failure | undefined> {
  const withinMs = peer.options.limits.headersMs;
  let response: Response;
  try {
    response = await ask(peer, { method: 'POST', headers: {}, body, signal, withinMs });
  } catch (error) {
    return unreachable(error);
  }
  const { status } = response;
  discard(response);
  if (response.ok) return undefined;
  const error = isRedirect(response) ? invalid('The server answered with a redirect.') : refusedWith(status);
  return { error, status, wasSent: true };
}
