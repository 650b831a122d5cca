import type { Obligation, RedactObligation } from '../policy/obligation.ts';
import { redactJson, redactorsOf } from '../policy/redact.ts';
import type { Execution } from '../targets/target.ts';
import { redactBytes } from './redact-bytes.ts';

/** What an execution comes to for the caller, and what the rules took of it. */
export interface BoundResult {
  readonly execution: Execution;
  readonly enforcement: readonly ('redacted' | 'withheld')[];
}

/**
 * Takes out of an answer what the rules say, and withholds what is too large: what the outcome commits to is what the caller gets.
 * An error of the target is an answer like a result.
 */
export async function boundResult(
  execution: Execution,
  obligations: readonly Obligation[],
): Promise<BoundResult> {
  if (execution.kind === 'none') return { execution, enforcement: [] };
  const redacted = await redactedBy(execution, obligations);
  if (redacted === undefined) return { execution: unreadable, enforcement: ['withheld'] };
  const most = Math.min(
    ...obligations.map((one) => (one.type === 'limit' ? (one.bytes ?? Infinity) : Infinity)),
  );
  if (bytesOf(redacted).length > most) return { execution: tooLarge(most), enforcement: ['withheld'] };
  return { execution: redacted, enforcement: redacted === execution ? [] : ['redacted'] };
}

/** The same of an answer that the call goes on after: what it announces is not its result, and has no size to keep to. */
export async function boundAnnouncement(
  execution: Answer,
  obligations: readonly Obligation[],
): Promise<Execution> {
  return (await redactedBy(execution, obligations)) ?? unreadable;
}

type Answer = Exclude<Execution, { kind: 'none' }>;

/** Undefined where nobody can tell what there is to take out. */
async function redactedBy(answer: Answer, obligations: readonly Obligation[]): Promise<Answer | undefined> {
  const redactions = obligations.filter(
    (one): one is RedactObligation => one.type === 'redact' && one.of === 'result',
  );
  if (redactions.length === 0) return answer;
  try {
    const redactors = await redactorsOf(redactions);
    const before = bytesOf(answer);
    const bytes = redactBytes(before, redactors);
    if (bytes === before) return answer;
    const value = redactJson(answer.value, redactors);
    const frame = replaced(answer.frame, before, bytes);
    return answer.kind === 'result'
      ? { ...answer, value, result: bytes, frame }
      : { ...answer, value, error: bytes, frame };
  } catch {
    return undefined;
  }
}

function bytesOf(answer: Answer): Uint8Array {
  return answer.kind === 'result' ? answer.result : answer.error;
}

/** The frame with its answer’s bytes replaced: the answer is a slice of the frame, or the whole of it. */
function replaced(frame: Uint8Array, before: Uint8Array, after: Uint8Array): Uint8Array {
  const at = placeOf(frame, before);
  const whole = new Uint8Array(frame.length - before.length + after.length);
  whole.set(frame.subarray(0, at));
  whole.set(after, at);
  whole.set(frame.subarray(at + before.length), at + after.length);
  return whole;
}

function placeOf(frame: Uint8Array, part: Uint8Array): number {
  if (part.buffer === frame.buffer && part.byteOffset >= frame.byteOffset)
    return part.byteOffset - frame.byteOffset;
  throw new TypeError('an answer is a slice of its frame');
}

const unreadable: Extract<Execution, { kind: 'none' }> = {
  kind: 'none',
  outcome: 'executed',
  code: 'UPSTREAM_INVALID',
  message:
    'The call ran, so do not repeat it. Its result cannot be read as the rule demands, and is withheld.',
};

function tooLarge(most: number): Extract<Execution, { kind: 'none' }> {
  return {
    kind: 'none',
    outcome: 'executed',
    code: 'RESULT_TOO_LARGE',
    message: `The call ran, so do not repeat it. Its result is larger than the ${most} bytes that the rule allows, and is withheld.`,
  };
}
