import { concatBytes, utf8 } from '../../call/bytes.ts';
import type { Call } from '../../call/call.ts';
import { memberOf, type ObjectNode } from '../../call/json-node.ts';
import type { JsonObject } from '../../call/json.ts';
import { classify, type Request } from './message.ts';
import { readParams } from './params.ts';

/**
 * The same tools/call with other arguments: the frame with the bytes of `params.arguments` replaced, or put in where there were none,
 * and every other byte as it was. What it says is read from the new bytes, as the server will read it: undefined where they
 * cannot say these arguments, or not to every parser alike.
 *
 * @param request Of tools/call, in a frame of its own.
 */
export function withArguments(
  { frame, params }: Request,
  args: JsonObject,
): Pick<Call, 'params' | 'arguments' | 'payload'> | undefined {
  if (params?.kind !== 'object') return undefined;
  const { start, end, text } = editOf(params, JSON.stringify(args));
  const message = classify(concatBytes(frame.subarray(0, start), utf8(text), frame.subarray(end)));
  if (message.kind !== 'request' || message.params === undefined) return undefined;
  const reading = readParams('tools/call', message.params, message.parsed);
  if (reading.kind !== 'call') return undefined;
  return {
    params: message.frame.subarray(message.params.start, message.params.end),
    arguments: reading.shape.arguments,
    payload: message.frame,
  };
}

/** Which bytes of the frame become which text. */
function editOf(
  params: ObjectNode,
  text: string,
): { readonly start: number; readonly end: number; readonly text: string } {
  const given = memberOf(params, 'arguments');
  if (given !== undefined) return { start: given.start, end: given.end, text };
  const start = params.start + 1;
  // The params name the tool, so that another member follows.
  return { start, end: start, text: `"arguments":${text},` };
}
