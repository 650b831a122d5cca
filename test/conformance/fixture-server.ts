/**
 * The MCP server that the conformance suite measures: every tool, prompt and resource its scenarios ask for, in 2025-11-25
 * and 2026-07-28, on one endpoint. Started alone it says its URL: `node test/conformance/fixture-server.ts [PORT]`.
 */
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import {
  createMcpHandler,
  hostHeaderValidationResponse,
  isLegacyRequest,
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  originValidationResponse,
} from '@modelcontextprotocol/server';
import { fixtureServer } from './fixture/server.ts';
import type { Changing } from './fixture/server.ts';
import { createSessions } from './fixture/sessions.ts';
import { withTaskAnswers } from './fixture/task-answers.ts';
import { createTasks } from './fixture/tasks.ts';

export interface FixtureServer extends AsyncDisposable {
  readonly url: string;
}

/** Starts the fixture on loopback; port 0 takes a free one. */
export async function startFixture(port = 0): Promise<FixtureServer> {
  const changing: Changing = {
    tool: false,
    prompt: false,
    announce(list) {
      if (list === 'tools') modern.notify.toolsChanged();
      else modern.notify.promptsChanged();
    },
  };
  const tasks = createTasks();
  const makeServer = () => fixtureServer(changing, tasks);
  const modern = createMcpHandler(makeServer, { legacy: 'reject' });
  const sessions = createSessions(makeServer);
  const answer = async (request: Request): Promise<Response> => {
    const legacy = await isLegacyRequest(request);
    return legacy ? sessions.fetch(request) : withTaskAnswers(await modern.fetch(request));
  };
  const server = createAdaptorServer({ fetch: (request: Request) => guarded(request, answer) });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/mcp`,
    async [Symbol.asyncDispose]() {
      await Promise.all([modern.close(), sessions.close()]);
      const closed = new Promise((resolve) => server.close(resolve));
      if ('closeAllConnections' in server) server.closeAllConnections();
      await closed;
    },
  };
}

/** A page in a browser may not reach a server on loopback by a name of its own (DNS rebinding). */
async function guarded(request: Request, answer: (request: Request) => Promise<Response>): Promise<Response> {
  if (new URL(request.url).pathname !== '/mcp') return new Response(null, { status: 404 });
  return (
    hostHeaderValidationResponse(request, localhostAllowedHostnames()) ??
    originValidationResponse(request, localhostAllowedOrigins()) ??
    answer(request)
  );
}

if (import.meta.main) {
  const { url } = await startFixture(Number(process.argv[2] ?? 0));
  console.log(url);
}
