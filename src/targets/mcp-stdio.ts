import type { Readable } from 'node:stream';
import type { Permit } from '../call/permit.ts';
import { CountersignError } from '../errors.ts';
import { createAwaited } from './awaited.ts';
import type { FrameWriter } from './frame-writer.ts';
import type { ChildEnd, CommandLine } from './mcp-child.ts';
import { spawnMcpChild } from './mcp-child.ts';
import { redeemRelayFrame } from './mcp-relay-frame.ts';
import type { McpTarget } from './mcp-target.ts';
import { none, redeemForNow, whyNotNow } from './no-answer.ts';

/** An MCP server that is our child and speaks over its standard input and output. */
export interface McpStdioTarget extends McpTarget {
  /** What the server writes. The gateway reads it and hands answers of calls back through `answer`. */
  readonly output: Readable;
  /** Bytes that wait in our own memory for the server to read. */
  readonly backlog: number;
  /** Resolves once there are none, or nobody reads them any more. */
  drained(): Promise<void>;
  /** Closes the server's standard input, after what was sent. */
  endInput(): void;
  signal(name: NodeJS.Signals): void;
  /** Kills the server and does not wait for what it still had to say. */
  abandon(): void;
  /** Resolves once the server has ended and all its output was read. */
  readonly ended: Promise<ChildEnd>;
}

/** Starts the server. The process exists from here on; nothing is sent to it that the three doors do not let through. */
export function startMcpStdioTarget(commandLine: CommandLine): McpStdioTarget {
  const child = spawnMcpChild(commandLine);
  const awaited = createAwaited();
  let isGone = false;
  const ended = child.ended.then((end) => {
    isGone = true;
    awaited.settleAll(
      none('unknown', 'UPSTREAM_GONE', 'The server ended before it answered; the call may have run.'),
    );
    return end;
  });

  return {
    async execute(permit, signal) {
      let refusal = redeemForNow(permit, signal);
      for (;;) {
        if (isGone || child.input.isGone) return endedBefore;
        if (refusal) return refusal;
        // Bytes in our own memory are not dispatched: they would run whenever the server likes to read them.
        if (!child.input.isFull) break;
        await roomOrEnd(child.input, permit, signal);
        refusal = whyNotNow(permit, signal);
      }
      const execution = awaited.add(permit, signal);
      child.input.write(permit.call.payload);
      return execution;
    },
    relay(frame) {
      if (!redeemRelayFrame(frame))
        throw new CountersignError('INTERNAL', 'A frame was forwarded twice or is not genuine.');
      child.input.write(frame.bytes);
    },
    list(id, method, params) {
      child.input.write(
        encode(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"method":"${method}","params":${params}}\n`),
      );
    },
    isAwaiting: (callId) => awaited.has(callId),
    answer: (callId, execution) => awaited.settle(callId, execution),
    output: child.output,
    get backlog() {
      return child.input.backlog;
    },
    drained: () => child.input.drained(),
    endInput: () => child.input.end(),
    signal: (name) => child.signal(name),
    abandon() {
      child.signal('SIGKILL');
      child.output.destroy();
    },
    ended,
  };
}

/** Waits until the server reads again, the permit expires or the call is stopped. Another call may be faster then. */
async function roomOrEnd(input: FrameWriter, { dispatchBefore }: Permit, signal: AbortSignal): Promise<void> {
  const end = Promise.withResolvers<void>();
  const stop = (): void => end.resolve();
  const timer = setTimeout(stop, Math.max(0, dispatchBefore.monotonic - performance.now()) + 1);
  signal.addEventListener('abort', stop, { once: true });
  await Promise.race([input.drained(), end.promise]);
  clearTimeout(timer);
  signal.removeEventListener('abort', stop);
}

const endedBefore = none('aborted', 'UPSTREAM_GONE', 'The server has ended; nothing ran.');

const encoder = new TextEncoder();
function encode(text: string): Uint8Array {
  return encoder.encode(text);
}
