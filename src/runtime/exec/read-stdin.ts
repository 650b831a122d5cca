import { concatBytes, hex, sha256 } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import type { CommandStdin } from '../../targets/command-arguments.ts';

export type StdinMode = 'none' | 'read' | 'terminal';

export interface StdinGiven {
  readonly stdin: CommandStdin;
  /** What the command is fed; empty unless `stdin` is bytes. */
  readonly bytes: Uint8Array;
}

export interface StdinOptions {
  /** What comes from a terminal unless told: nothing; from elsewhere: everything, up to its end. */
  readonly mode: StdinMode | undefined;
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stderr: { write(text: string): unknown };
  /** Ends the reading. */
  readonly signal: AbortSignal;
}

export const maxStdinBytes = 64 << 20;
const sayWhyAfterMs = 2_000;

/**
 * What the command will read, read before: the verdict is about it. Nothing at all is the same as no input. Throws USAGE for a
 * terminal that is none, TOO_LARGE, and CALLER_CANCELLED.
 */
export async function readStdin({ mode, input, stderr, signal }: StdinOptions): Promise<StdinGiven> {
  const isTerminal = input.isTTY === true;
  const chosen = mode ?? (isTerminal ? 'none' : 'read');
  if (chosen === 'terminal') {
    // What comes from a file or a pipe is there to be decided on.
    if (!isTerminal)
      throw new CountersignError('USAGE', '--stdin terminal needs a terminal on standard input.');
    return { stdin: { kind: 'terminal' }, bytes: nothing };
  }
  const bytes = chosen === 'none' ? nothing : await readToEnd(input, stderr, signal);
  if (bytes.length === 0) return { stdin: { kind: 'none' }, bytes };
  return { stdin: { kind: 'bytes', bytes: bytes.length, sha256: hex(sha256(bytes)) }, bytes };
}

async function readToEnd(
  input: StdinOptions['input'],
  stderr: StdinOptions['stderr'],
  signal: AbortSignal,
): Promise<Uint8Array> {
  const timer = setTimeout(() => {
    stderr.write(
      'countersign: waiting for the end of standard input, which is decided on too; without one, use --stdin none.\n',
    );
  }, sayWhyAfterMs);
  const stop = (): void => void Reflect.apply(destroyOf(input), input, []);
  signal.addEventListener('abort', stop, { once: true });
  try {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of input) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      length += bytes.length;
      if (length > maxStdinBytes)
        throw new CountersignError(
          'TOO_LARGE',
          `Standard input is longer than ${maxStdinBytes >> 20} MiB: let the command read a file.`,
        );
      chunks.push(bytes);
    }
    return concatBytes(...chunks);
  } catch (error) {
    if (signal.aborted) throw new CountersignError('CALLER_CANCELLED', 'Cancelled before anything ran.');
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

function destroyOf(input: NodeJS.ReadableStream): () => unknown {
  return 'destroy' in input && typeof input.destroy === 'function'
    ? (input.destroy as () => unknown)
    : () => undefined;
}

const nothing = new Uint8Array();
