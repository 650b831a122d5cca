import { CountersignError, systemCode, toCountersignError } from '../errors.ts';
import type { Io } from './io.ts';
import { printable } from './printable.ts';

/** Misuse of a command: exit code 2, and a pointer to its help. */
export function usage(message: string): CountersignError {
  return new CountersignError('USAGE', message);
}

/** What was wrong for people, with nothing in it that moves a terminal, never a stack trace. Returns the exit code. */
export function report(error: unknown, { stderr, env }: Pick<Io, 'stderr' | 'env'>): number {
  const known =
    argumentError(error) ?? toCountersignError(error, 'INTERNAL', 'Something failed that should not.');
  const message = known.message.split('\n').map(printable).join('\n');
  stderr.write(`countersign: ${known.code}: ${message}\n`);
  if (known.code === 'INTERNAL' && env['COUNTERSIGN_DEBUG'] && known.cause instanceof Error) {
    stderr.write(`${known.cause.stack ?? known.cause.message}\n`);
  }
  return known.code === 'USAGE' ? 2 : 1;
}

/** What `node:util` parseArgs throws is misuse. */
function argumentError(error: unknown): CountersignError | undefined {
  const code = systemCode(error);
  return code.startsWith('ERR_PARSE_ARGS')
    ? usage((error as Error).message.replaceAll('\n', ' '))
    : undefined;
}
