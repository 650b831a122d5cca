import type { Readable, Writable } from 'node:stream';
import type { ServerRef } from '../call/call.ts';
import type { Gate } from '../gate/gate.ts';
import type { Credentials } from '../identity/principal.ts';
import { createWarner } from './mcp/warnings.ts';
import { createFrameWriter } from '../targets/frame-writer.ts';
import type { McpStdioTarget } from '../targets/mcp-stdio.ts';
import type { McpListing } from './mcp/listing.ts';
import type { RelayPattern } from './mcp/methods.ts';
import { createRelay } from './mcp/relay.ts';
import { closeServer, recordWhatIsOpen, within } from './mcp-stdio-close.ts';
import { pumpFrames } from './mcp-stdio-pump.ts';

export interface McpStdioOptions {
  readonly client: { readonly input: Readable; readonly output: Writable };
  readonly gate: Gate;
  /** What a call brings, asked for before each: see `RelayOptions`. */
  readonly credentials: () => Credentials | Promise<Credentials>;
  readonly target: McpStdioTarget;
  /** The same that the gate's tool directory asks. */
  readonly listing: McpListing;
  readonly server: ServerRef;
  /** What `--relay` opened. */
  readonly opened: readonly RelayPattern[];
  readonly limits: McpStdioLimits;
  readonly stderr: { write(text: string): unknown };
  /** Where signals to pass on come from: the process. */
  readonly signals: Pick<NodeJS.EventEmitter, 'on' | 'off'>;
}

export interface McpStdioLimits {
  /** Bytes of one message of the client, and of the server. A longer one is refused, or dropped. */
  readonly maxClientFrameBytes: number;
  readonly maxServerFrameBytes: number;
  readonly maxInFlight: number;
}

export const defaultMcpStdioLimits: McpStdioLimits = {
  maxClientFrameBytes: 16 << 20,
  maxServerFrameBytes: 128 << 20,
  maxInFlight: 4_096,
};

/** How the conversation ended: what the process is to exit with. */
export interface McpStdioEnd {
  readonly exitCode: number;
  readonly signal: NodeJS.Signals | null;
}

/** A client that reads slowly holds up the server; one that reads nothing must still be seen to close its end. */
const maxBacklog = 8 << 20;

/** Milliseconds from the end of either side to the end of everything. */
const endsWithin = 1_900;

const passedOn = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Relays one conversation between a client on our stdio and a server that is our child, until either ends it. What is
 * open then is settled before it resolves, within two seconds.
 */
export async function runMcpStdio(options: McpStdioOptions): Promise<McpStdioEnd> {
  const { client, target, stderr, limits, signals } = options;
  const clientGone = Promise.withResolvers<void>();
  const output = createFrameWriter(client.output, () => clientGone.resolve());
  const warn = createWarner((line) => stderr.write(line));
  const relay = createRelay({ ...options, maxInFlight: limits.maxInFlight, toClient: output.write, warn });

  let isServerGone = false;
  const serverEnded = target.ended.then((end) => {
    isServerGone = true;
    relay.serverGone();
    if (end.startError) warn(`The server's command could not be started (${end.startError}).`);
    return end;
  });
  const passSignal = (name: NodeJS.Signals): void => {
    if (isServerGone) clientGone.resolve();
    else target.signal(name);
  };
  for (const name of passedOn) signals.on(name, passSignal);

  void pumpFrames({
    input: target.output,
    framing: { maxFrameBytes: limits.maxServerFrameBytes, lastLine: 'deliver' },
    onFrame: relay.fromServer,
    whenToPause: () => (output.isFull ? output.drained() : undefined),
  });
  const clientRead = pumpFrames({
    input: client.input,
    framing: { maxFrameBytes: limits.maxClientFrameBytes, lastLine: 'refuse' },
    onFrame: relay.fromClient,
    whenToPause: () => {
      if (target.backlog > maxBacklog) return target.drained();
      return output.backlog > maxBacklog ? output.drained() : undefined;
    },
  });
  const clientEnded = Promise.race([clientRead, clientGone.promise]);

  const first = await Promise.race([serverEnded, clientEnded]);
  // Where no server ever was, the gateway answers by itself until the client leaves.
  if (first?.startError) await clientEnded;
  const deadline = performance.now() + endsWithin;
  const { exitCode, signal } = first ?? (await closeServer(target, relay, serverEnded));
  await recordWhatIsOpen(relay, options.gate, deadline, warn);
  await within(Math.max(100, deadline - performance.now()), output.flushed());

  for (const name of passedOn) signals.off(name, passSignal);
  client.input.destroy();
  return { exitCode, signal };
}
