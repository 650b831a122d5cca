import { CountersignError } from '../../errors.ts';
import { pumpFrames } from '../../gateway/mcp-stdio-pump.ts';
import { runClosed } from '../../gateway/mcp-stdio-closed.ts';
import { defaultMcpStdioLimits } from '../../gateway/mcp-stdio.ts';
import { createWarner } from '../../gateway/mcp/warnings.ts';
import { createFrameWriter } from '../../targets/frame-writer.ts';
import { validIdentityIn } from '../enrol/identity-folder.ts';
import type { GrantSource } from '../grants/grant-environment.ts';
import type { HumanTokenSource } from '../login/human-token.ts';
import { assertGuardedSocket, mcpEndpoint, type GateAddress } from './gate-address.ts';
import { createSend, type Send } from './node-fetch.ts';
import { createRemoteRelay } from './remote-relay.ts';

export interface ConnectOptions {
  readonly gate: GateAddress;
  /** What the gate's configuration calls the server; all of them joined unless told. */
  readonly server: string | undefined;
  readonly apiKey: string | undefined;
  /** Whom the calls are for; asked at each request. */
  readonly humanToken?: HumanTokenSource | undefined;
  /** What the calls are narrowed to; asked at each request. */
  readonly grant?: GrantSource | undefined;
  /** The folder of `countersign enroll`: what is shown to the gate over TLS. */
  readonly identity?: string | undefined;
  /** Authorities that are believed of the gate, PEM, in place of those that Node knows. */
  readonly ca?: string | undefined;
  readonly client: { readonly input: NodeJS.ReadStream; readonly output: NodeJS.WriteStream };
  readonly stderr: { write(text: string): unknown };
  /** Where signals come from: the process. */
  readonly signals: Pick<NodeJS.EventEmitter, 'on' | 'off'>;
}

const { maxClientFrameBytes, maxServerFrameBytes } = defaultMcpStdioLimits;
const maxInFlight = 1_024;
/** Messages of a client that may wait for those before them. */
const maxBacklog = 256;
const maxUnread = 8 << 20;

/** Milliseconds after the client closed its end: for what it still waits for, and for the gate to hear that it left. */
const answersWithin = 1_000;
const goodbyeWithin = 500;

const ending = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Relays one conversation between a client on our stdio and a gate elsewhere, until the client ends it or the gate its session.
 * Nothing is decided, started or kept here: without the gate every request is answered with the reason. Resolves to the exit code.
 */
export async function runConnected(options: ConnectOptions): Promise<number> {
  const { apiKey, client, stderr } = options;
  if (!apiKey) {
    const { exitCode } = await runClosed({
      client,
      code: 'API_KEY_MISSING',
      message: 'There is no API key: whoever runs the gate gives one; set it as COUNTERSIGN_API_KEY.',
      stderr,
      maxFrameBytes: maxClientFrameBytes,
    });
    return exitCode;
  }
  return relay({ ...options, apiKey });
}

async function relay(options: ConnectOptions & { readonly apiKey: string }): Promise<number> {
  const { gate, server, apiKey, humanToken, grant, client, stderr, signals } = options;
  const stopped = Promise.withResolvers<void>();
  const stop = (): void => stopped.resolve();
  const output = createFrameWriter(client.output, stop);
  const remote = createRemoteRelay({
    endpoint: mcpEndpoint(gate, server),
    apiKey,
    humanToken,
    grant,
    send: guarded(options),
    toClient: output.write,
    whenToPause: () => (output.isFull ? output.drained() : undefined),
    warn: createWarner((line) => stderr.write(line)),
    maxMessageBytes: maxServerFrameBytes,
    maxInFlight,
  });
  for (const name of ending) signals.on(name, stop);
  const clientRead = pumpFrames({
    input: client.input,
    framing: { maxFrameBytes: maxClientFrameBytes, lastLine: 'refuse' },
    onFrame: remote.fromClient,
    whenToPause: () => {
      if (remote.backlog > maxBacklog) return remote.sent();
      return output.backlog > maxUnread ? output.drained() : undefined;
    },
  });

  const lost = await Promise.race([clientRead, stopped.promise, remote.lost]);
  if (!(lost instanceof CountersignError))
    await Promise.race([remote.idle(), stopped.promise, wait(answersWithin)]);
  else stderr.write(`countersign: ${lost.message} (${lost.code})\n`);
  await remote.close(goodbyeWithin);
  await Promise.race([output.flushed(), wait(goodbyeWithin)]);
  for (const name of ending) signals.off(name, stop);
  client.input.destroy();
  return lost instanceof CountersignError || remote.wasInVain ? 1 : 0;
}

/** Looks at the socket before each request: a gate that is restarted makes a new one. */
function guarded({ gate: { socketPath }, identity, ca }: ConnectOptions): Send {
  const shown = identity === undefined ? undefined : validIdentityIn(identity);
  const send = createSend({ socketPath, ca, identity: shown });
  if (socketPath === undefined) return send;
  return async (url, request) => {
    assertGuardedSocket(socketPath);
    return send(url, request);
  };
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
