import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface AskedUpstream {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** Of the token that came with it. */
  readonly subject: string | undefined;
}

/** An MCP server over HTTP that remembers in whose name it was asked, and lists to each person a tool of their own. */
export interface RecordingUpstream extends Disposable {
  readonly url: string;
  readonly asked: AskedUpstream[];
  /** The status that every request gets from now on; 200 as it should. */
  status: number;
}

export async function recordingUpstream(): Promise<RecordingUpstream> {
  const asked: AskedUpstream[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { id, method = request.method ?? '' } = JSON.parse(body || '{}') as {
        id?: unknown;
        method?: string;
      };
      const subject = subjectOf(request.headers.authorization);
      asked.push({ method, headers: request.headers, subject });
      const session = method === 'initialize' ? { 'mcp-session-id': `session-of-${subject}` } : {};
      if (upstream.status !== 200 || id === undefined) {
        response.writeHead(upstream.status === 200 ? 202 : upstream.status).end();
        return;
      }
      response.writeHead(200, { 'content-type': 'application/json', ...session });
      response.end(JSON.stringify({ jsonrpc: '2.0', id, result: resultOf(method, subject) }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const upstream = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    asked,
    status: 200,
    [Symbol.dispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
  return upstream;
}

function subjectOf(authorization = ''): string | undefined {
  try {
    const claims = Buffer.from(authorization.split('.')[1] ?? '', 'base64url').toString();
    return (JSON.parse(claims) as { sub?: string }).sub;
  } catch {
    return undefined;
  }
}

function resultOf(method: string, subject: string | undefined): object {
  switch (method) {
    case 'initialize':
      return {
        protocolVersion: '2025-11-25',
        capabilities: { tools: {} },
        serverInfo: { name: 'recording', version: '1' },
      };
    case 'server/discover':
      return {
        resultType: 'complete',
        supportedVersions: ['2026-07-28'],
        capabilities: { tools: {} },
        serverInfo: { name: 'recording', version: '1' },
        ttlMs: 0,
        cacheScope: 'private',
      };
    case 'tools/list':
      return {
        resultType: 'complete',
        tools: ['look', `of-${subject}`].map((name) => ({ name, inputSchema: { type: 'object' } })),
      };
    default:
      return { resultType: 'complete', content: [{ type: 'text', text: `for ${subject}` }] };
  }
}
