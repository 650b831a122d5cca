import { fromUtf8 } from '../../call/bytes.ts';
import { CountersignError } from '../../errors.ts';
import { reasonCodes, type ReasonCode } from '../../names.ts';
import { NoAnswerError } from './node-fetch.ts';

const known: ReadonlySet<string> = new Set(reasonCodes);
/** What a gate says of itself fits into this. */
const maxMessage = 500;

/** Why a gate refused a request altogether, in its own words where they are ones that we know. */
export function refusalOf(status: number, body: Uint8Array): CountersignError {
  const { code, message } = statedError(body);
  if (code !== undefined && known.has(code))
    return new CountersignError(
      code as ReasonCode,
      message?.slice(0, maxMessage) ?? `The gate refused it (${status}).`,
    );
  if (status === 404)
    return new CountersignError('GATE_UNREACHABLE', 'There is no such MCP server at this gate; nothing ran.');
  return new CountersignError(
    'GATE_UNREACHABLE',
    `What answers there is no gate, or one that is ill (${status}).`,
  );
}

function statedError(body: Uint8Array): { readonly code?: string; readonly message?: string } {
  try {
    const { error } = JSON.parse(fromUtf8(body) ?? '') as { error?: { code?: unknown; message?: unknown } };
    return {
      ...(typeof error?.code === 'string' && { code: error.code }),
      ...(typeof error?.message === 'string' && { message: error.message }),
    };
  } catch {
    return {};
  }
}

/** Why there is no answer. It says whether the call may have run all the same: who repeats it must know. */
export function noAnswer(error: unknown): CountersignError {
  if (error instanceof CountersignError) return error;
  if (error instanceof NoAnswerError && !error.mayHaveArrived)
    return new CountersignError(
      'GATE_UNREACHABLE',
      `The gate cannot be reached (${error.code}); nothing ran.`,
    );
  return brokenOff();
}

export function brokenOff(): CountersignError {
  return new CountersignError(
    'GATE_UNREACHABLE',
    'The connection to the gate broke before its answer. What was asked may have run: the gate’s log says it.',
  );
}

export function unusable(why: string): CountersignError {
  return new CountersignError('GATE_ANSWER_INVALID', `The gate’s answer cannot be used: ${why}`);
}
