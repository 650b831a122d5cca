import { once } from 'node:events';
import { Agent, request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { Place } from './places.ts';

/** A raw HTTP client with kept connections, as thin as can be, so that what is measured is the server. */
const agent = new Agent({ keepAlive: true, maxSockets: 256 });

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export async function post({ url, headers }: Pick<Place, 'url' | 'headers'>, body: string): Promise<Answer> {
  const asked = request(url, {
    agent,
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'content-length': Buffer.byteLength(body),
      ...headers,
    },
  });
  asked.end(body);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: Buffer.concat(chunks).toString(),
  };
}

/** One thing that is asked again and again. */
export type Ask = () => Promise<Answer>;

/** A legacy MCP session, and a tools/call in it. */
export async function openSession(place: Pick<Place, 'url' | 'headers'>): Promise<Ask> {
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'bench', version: '1.0.0' },
  };
  const opened = await post(place, JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params }));
  const session = opened.headers['mcp-session-id'];
  const headers = {
    ...place.headers,
    'mcp-protocol-version': '2025-11-25',
    ...(typeof session === 'string' && { 'mcp-session-id': session }),
  };
  const inSession = { url: place.url, headers };
  await post(inSession, JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }));
  let id = 0;
  return async () => {
    id += 1;
    const call = { name: 'echo', arguments: { text: 'hello' } };
    const answer = await post(
      inSession,
      JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: call }),
    );
    if (answer.status !== 200 || !answer.body.includes('hello'))
      throw new Error(`a benchmarked call got ${answer.status}: ${answer.body.slice(0, 200)}`);
    return answer;
  };
}

/** An action, or the service that is behind it. */
export function asker(place: Pick<Place, 'url' | 'headers'>): Ask {
  return async () => {
    const answer = await post(place, '{"value":12.5}');
    if (answer.status !== 200) throw new Error(`a benchmarked action got ${answer.status}`);
    return answer;
  };
}
