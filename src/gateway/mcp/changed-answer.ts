import { equalBytes } from '../../call/bytes.ts';
import type { Execution } from '../../targets/target.ts';
import { hasRoom } from './execution.ts';
import { classify } from './message.ts';
import type { ServerAnswer } from './server-answer.ts';

/**
 * A server's answer as a client may have it: the answer itself, or what the rules left of it. Undefined where they left nothing, or
 * nothing that an envelope goes into.
 */
export function changedAnswer(answer: ServerAnswer, execution: Execution): ServerAnswer | undefined {
  if (execution.kind === 'none') return undefined;
  const { frame } = execution;
  const { bytes } = answer.message;
  if (frame === bytes || equalBytes(frame, bytes)) return answer;
  const message = classify(frame);
  if (message.kind !== 'response' || !hasRoom(message)) return undefined;
  return { ...answer, message, isAlone: false };
}
