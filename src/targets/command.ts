import { utf8 } from '../call/bytes.ts';
import type { Json } from '../call/json.ts';
import { toCountersignError } from '../errors.ts';
import { readCommandArguments } from './command-arguments.ts';
import { runCommand, type CommandEnd, type CommandHands } from './command-run.ts';
import { none, redeemForNow, stopped } from './no-answer.ts';
import type { Execution, Target } from './target.ts';

export interface CommandTargetOptions extends CommandHands {
  /** Told what the command came to, in full. */
  readonly onEnd?: (end: CommandEnd) => void;
}

/** A command of this machine, run once as its arguments say. Its exit code is its result, whichever it is. */
export function createCommandTarget(options: CommandTargetOptions): Target {
  return {
    async execute(permit, signal) {
      const refusal = redeemForNow(permit, signal);
      if (refusal) return refusal;
      try {
        const given = readCommandArguments(permit.call.payload);
        const end = await runCommand(given, options, signal);
        options.onEnd?.(end);
        return executionOf(end, signal);
      } catch (error) {
        const { message } = toCountersignError(error, 'INTERNAL', 'The command could not be begun.');
        return none('aborted', 'UPSTREAM_INVALID', message);
      }
    },
  };
}

function executionOf(end: CommandEnd, signal: AbortSignal): Execution {
  if (end.kind === 'stopped')
    return stopped(signal.reason, 'unknown', 'while the command ran; it was ended.');
  if (end.kind === 'not-started') {
    const { value, bytes } = told({ code: 'COMMAND_NOT_STARTED', message: notStartedMessage(end.cause) });
    return { kind: 'error', error: bytes, value, frame: bytes };
  }
  const { value, bytes } = told(end.result);
  return { kind: 'result', result: bytes, value, frame: bytes, pending: false };
}

/** What is told of a command that did not start, by whoever was to run it. */
export function notStartedMessage(cause: string): string {
  return `The command could not be started (${cause}); nothing ran.`;
}

function told(what: object): { readonly value: Json; readonly bytes: Uint8Array } {
  const text = JSON.stringify(what);
  return { value: JSON.parse(text) as Json, bytes: utf8(text) };
}
