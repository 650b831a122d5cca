import type { McpTransport } from '../../gateway/http/mcp/upstream.ts';
import type { ReasonCode } from '../../names.ts';
import type { McpHttpConnection, McpHttpExchange } from '../../targets/mcp-http.ts';
import type { McpPipe } from '../../targets/mcp-pipe.ts';
import { doorsOf } from '../../targets/mcp-target.ts';
import type { UpstreamStates } from './readiness.ts';

type State = 'ok' | 'unused' | ReasonCode;

/** What the last conversation with each server has seen. */
export interface WatchedUpstreams extends UpstreamStates {
  /** The same transport, watched. */
  watch(name: string, transport: McpTransport): McpTransport;
}

export function watchUpstreams(): WatchedUpstreams {
  const states = new Map<string, State>();
  return {
    states: () => Object.fromEntries(states),
    watch(name, transport) {
      states.set(name, 'unused');
      const note = (state: State): void => void states.set(name, state);
      return transport.kind === 'http'
        ? { kind: 'http', connect: () => watchedConnection(transport.connect(), note) }
        : {
            kind: 'pipe',
            async connect(onFrame, onRefused) {
              try {
                return watchedPipe(await transport.connect(onFrame, onRefused), note);
              } catch (error) {
                note('UPSTREAM_GONE');
                throw error;
              }
            },
          };
    },
  };
}

function watchedPipe(pipe: McpPipe, note: (state: State) => void): McpPipe {
  let isClosing = false;
  note('ok');
  void pipe.ended.then(() => note(isClosing ? 'unused' : 'UPSTREAM_GONE'));
  return {
    ...doorsOf(pipe),
    ended: pipe.ended,
    close() {
      isClosing = true;
      return pipe.close();
    },
  };
}

function watchedConnection(connection: McpHttpConnection, note: (state: State) => void): McpHttpConnection {
  return {
    exchange(events) {
      const exchange = connection.exchange({
        ...events,
        onHead(head) {
          note(head.status >= 500 ? 'UPSTREAM_INVALID' : 'ok');
          events.onHead(head);
        },
        onFailed(failure) {
          note(failure.error.code);
          events.onFailed(failure);
        },
      });
      return {
        ...doorsOf(exchange),
        async execute(permit, signal) {
          const execution = await exchange.execute(permit, signal);
          if (execution.kind === 'none' && /^UPSTREAM_/.test(execution.code)) note(execution.code);
          return execution;
        },
        abort: () => exchange.abort(),
      } satisfies McpHttpExchange;
    },
    listen: (events, headers, signal) => connection.listen(events, headers, signal),
    get isLost() {
      return connection.isLost;
    },
    end: () => connection.end(),
  };
}
