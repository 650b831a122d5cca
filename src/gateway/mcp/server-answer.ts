import { concatBytes } from '../../call/bytes.ts';
import type { Answer, Response } from './message.ts';
import type { MetaMember } from '../meta-members.ts';
import { spliceMembers } from './splice.ts';

/** A response of the server as it came. */
export interface ServerAnswer<Message extends Answer = Response> {
  readonly message: Message;
  /** The line end that it had. */
  readonly terminator: Uint8Array;
  /** Whether it stood alone in its frame, or in a batch. */
  readonly isAlone: boolean;
}

/** The answer's bytes as they came; blanks around it only where it stood alone. */
export function rawAnswer({ message, isAlone }: ServerAnswer<Answer>): Uint8Array {
  return isAlone ? message.frame : message.bytes;
}

/** The answer with our members, and every other byte as it was. */
export function withMembers(
  { message, isAlone }: ServerAnswer<Answer>,
  members: readonly MetaMember[],
): Uint8Array {
  const spliced = spliceMembers(message, members);
  const { frame, root } = message;
  return isAlone ? concatBytes(frame.subarray(0, root.start), spliced, frame.subarray(root.end)) : spliced;
}
