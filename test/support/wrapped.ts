import { EventEmitter } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import type { Gate } from '../../src/gate/gate.ts';
import type { McpListing } from '../../src/gateway/mcp/listing.ts';
import { createMcpListing } from '../../src/gateway/mcp/listing.ts';
import { relayPattern } from '../../src/gateway/mcp/methods.ts';
import type { McpStdioEnd, McpStdioLimits } from '../../src/gateway/mcp-stdio.ts';
import { defaultMcpStdioLimits, runMcpStdio } from '../../src/gateway/mcp-stdio.ts';
import { startMcpStdioTarget } from '../../src/targets/mcp-stdio.ts';
import { compileCache } from './home.ts';

export const oddServer = join(import.meta.dirname, 'odd-server.ts');

export interface WrapOptions {
  readonly gate: Gate | ((listing: McpListing) => Gate);
  /** Of the odd server. */
  readonly flags?: readonly string[];
  readonly command?: string;
  readonly open?: readonly string[];
  readonly limits?: Partial<McpStdioLimits>;
  /** How long the server has to list its tools, its start included. */
  readonly listsWithinMs?: number;
}

/** The odd server behind the relay, and a client that speaks in raw text. */
export interface Wrapped {
  send(text: string): void;
  /** Closes the client's end. */
  leave(): void;
  /** The client is gone without a word: what is written to it breaks. */
  vanish(): void;
  /** Everything that the client got. */
  received(): string;
  lines(): string[];
  /** The answer with this id, once it is there. */
  answer(id: string | number): Promise<Answer>;
  /** Waits until the text was received. */
  until(condition: (received: string) => boolean): Promise<void>;
  /** Every line that reached the server. */
  reached(): string;
  /** A whole exchange: what has not reached the server by now never does. */
  sync(): Promise<void>;
  readonly signals: EventEmitter;
  readonly end: Promise<McpStdioEnd>;
  stderr(): string;
  readonly listing: McpListing;
}

export interface Answer {
  readonly id: unknown;
  readonly result?: Record<string, unknown> & {
    readonly _meta?: Record<string, never>;
    readonly isError?: boolean;
  };
  readonly error?: {
    readonly code: number;
    readonly message: string;
    readonly data?: Record<string, unknown>;
  };
}

export function wrapOddServer(options: WrapOptions): Wrapped {
  const { gate, flags = [], command, open = [], limits, listsWithinMs = 30_000 } = options;
  const folder = mkdtempSync(join(tmpdir(), 'countersign-relay-'));
  const log = join(folder, 'reached');
  const target = startMcpStdioTarget({
    command: command ?? process.execPath,
    args: [oddServer, '--log', log, ...flags],
    environment: { ...compileCache, PATH: process.env['PATH'] },
  });
  const listing = createMcpListing(target, {
    withoutHandshakeMs: listsWithinMs,
    withHandshakeMs: listsWithinMs,
  });
  const input = new PassThrough();
  const output = new PassThrough();
  const signals = new EventEmitter();
  let got = '';
  let said = '';
  let syncs = 0;
  output.setEncoding('utf8').on('data', (chunk: string) => (got += chunk));

  let reachedAtEnd: string | undefined;
  const reached = (): string => {
    try {
      return reachedAtEnd ?? readFileSync(log, 'utf8');
    } catch {
      return '';
    }
  };
  const end = runMcpStdio({
    client: { input, output },
    gate: typeof gate === 'function' ? gate(listing) : gate,
    credentials: () => ({ apiKey: 'test' }),
    target,
    listing,
    server: { name: 'odd', digest: '0'.repeat(64) },
    opened: open.flatMap((source) => relayPattern(source) ?? []),
    limits: { ...defaultMcpStdioLimits, ...limits },
    stderr: { write: (text: string) => (said += text) },
    signals,
  }).finally(() => {
    reachedAtEnd = reached();
    rmSync(folder, { recursive: true, force: true });
  });

  const until = async (condition: (received: string) => boolean): Promise<void> => {
    const patience = performance.now() + 30_000;
    while (performance.now() < patience) {
      if (condition(got)) return;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new Error(`The client waited in vain. The last it got:\n${got.slice(-1_000)}\nstderr:\n${said}`);
  };
  const lines = (): string[] => got.split('\n').filter((line) => line.trim() !== '');
  const wrapped: Wrapped = {
    send: (text) => void input.write(text),
    leave: () => void input.end(),
    vanish: () => void output.destroy(new Error('write EPIPE')),
    received: () => got,
    lines,
    async answer(id) {
      const find = (): Answer | undefined =>
        lines()
          .flatMap((line) => JSON.parse(line) as Answer | Answer[])
          .find((message) => message.id === id && ('result' in message || 'error' in message));
      await until(() => find() !== undefined);
      return find() as Answer;
    },
    until,
    reached,
    async sync() {
      const id = `sync-${++syncs}`;
      input.write(`{"jsonrpc":"2.0","id":"${id}","method":"ping"}\n`);
      await wrapped.answer(id);
    },
    signals,
    end,
    stderr: () => said,
    listing,
  };
  return wrapped;
}
