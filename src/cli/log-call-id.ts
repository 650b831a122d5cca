import { isUuid } from '../call/uuid.ts';
import { usage } from './report.ts';

/** The one argument of a `log` command that is about a call. */
export function callIdOf([callId, ...rest]: readonly string[]): string {
  if (rest.length > 0) throw usage('There is one argument too many. Try: countersign help log');
  if (callId === undefined) throw usage('Say which call: the UUID that “log tail” prints.');
  if (!isUuid(callId)) throw usage(`“${callId}” is not a call id: it is the UUID that “log tail” prints.`);
  return callId;
}
