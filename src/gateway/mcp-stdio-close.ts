import type { Gate } from '../gate/gate.ts';
import type { ChildEnd } from '../targets/mcp-child.ts';
import type { McpStdioTarget } from '../targets/mcp-stdio.ts';
import type { Relay } from './mcp/relay.ts';

/**
 * Milliseconds after the client closed its end. Calls under way may end in peace first, since many servers drop them
 * at the end of their input.
 */
const closing = { endInput: 700, terminate: 1_000, kill: 1_500, giveUp: 1_700 } as const;

/** Ends the server after the client left: gently, then not. */
export async function closeServer(
  target: McpStdioTarget,
  relay: Relay,
  serverEnded: Promise<ChildEnd>,
): Promise<ChildEnd> {
  const steps = [
    setTimeout(() => {
      relay.cancelCalls();
      target.signal('SIGTERM');
    }, closing.terminate),
    setTimeout(() => target.abandon(), closing.kill),
  ];
  const ended = Promise.race([serverEnded, wait(closing.giveUp).then(() => killed)]);
  await Promise.race([relay.idle(), ended, wait(closing.endInput)]);
  target.endInput();
  const end = await ended;
  steps.forEach(clearTimeout);
  return end;
}

const killed: ChildEnd = { exitCode: 137, signal: 'SIGKILL' };

/** Waits for the outcomes of what was under way, then closes the gate: by `deadline`, on the monotonic clock. */
export async function recordWhatIsOpen(
  relay: Relay,
  gate: Gate,
  deadline: number,
  warn: (sentence: string) => void,
): Promise<void> {
  const recorded = relay
    .settled()
    .then(() => gate.close())
    .then(
      () => true,
      () => false,
    );
  if (!(await within(deadline - performance.now(), recorded))) {
    warn('Not every outcome was recorded at the end; the next start records what is open as unknown.');
  }
}

/** The value, or undefined if it takes longer than `ms`. */
export async function within<T>(ms: number, value: Promise<T>): Promise<T | undefined> {
  const timeout = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => timeout.resolve(undefined), Math.max(0, ms));
  try {
    return await Promise.race([value, timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Unlike a timer of its own, it keeps no process alive. */
function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
