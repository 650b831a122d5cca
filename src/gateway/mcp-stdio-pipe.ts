import type { McpPipe } from '../targets/mcp-pipe.ts';
import type { CommandLine } from '../targets/mcp-child.ts';
import { doorsOf } from '../targets/mcp-target.ts';
import { startMcpStdioTarget } from '../targets/mcp-stdio.ts';
import type { Frame } from './mcp/framer.ts';
import { pumpFrames } from './mcp-stdio-pump.ts';

/** Milliseconds after its input was closed that a server gets to end by itself, and then after SIGTERM. */
const closing = { terminate: 1_000, kill: 1_500 } as const;

export interface StdioPipeOptions {
  readonly commandLine: CommandLine;
  /** Bytes of one message of the server. A longer one is dropped. */
  readonly maxFrameBytes: number;
  readonly onFrame: (frame: Frame) => void;
}

/** Starts a server as a child whose lines are handed over one by one. */
export function openStdioPipe({ commandLine, maxFrameBytes, onFrame }: StdioPipeOptions): McpPipe {
  const target = startMcpStdioTarget(commandLine);
  const read = pumpFrames({
    input: target.output,
    framing: { maxFrameBytes, lastLine: 'deliver' },
    onFrame,
    whenToPause: () => undefined,
  });
  const ended = Promise.all([target.ended, read]).then(([{ exitCode, signal, startError }]) => ({
    reason: startError ?? signal ?? `exit code ${exitCode}`,
  }));
  return {
    ...doorsOf(target),
    ended,
    async close() {
      const steps = [
        setTimeout(() => target.signal('SIGTERM'), closing.terminate),
        setTimeout(() => target.abandon(), closing.kill),
      ];
      target.endInput();
      await ended;
      steps.forEach(clearTimeout);
    },
  };
}
