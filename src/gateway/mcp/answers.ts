import { concatBytes, utf8 } from '../../call/bytes.ts';
import type { CountersignError } from '../../errors.ts';
import type { CallEnvelopes, Denial } from '../../gate/gate.ts';
import type { ReasonCode } from '../../names.ts';
import { denialMember, envelopeMember, objectOf, type MetaMember } from '../meta-members.ts';
import type { Era } from './era.ts';
import type { MessageId, Refusal } from './message.ts';

/** JSON-RPC error codes. -32000 to -32019 are ours to give; MCP has reserved -32020 to -32099. */
export const wireCodes = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  refused: -32010,
  /** HeaderMismatch of revision 2026-07-28. */
  headerMismatch: -32020,
} as const;

export interface DeniedCall {
  readonly id: MessageId;
  readonly method: string;
  readonly era: Era;
  readonly denial: Denial;
  /** Absent where nothing could be recorded. */
  readonly envelopes?: CallEnvelopes;
}

/** That an answer is a denial: for a wire that can say why it is one by itself. */
export interface DeniedAnswer {
  readonly code: ReasonCode;
  /** The same as a JSON-RPC error, of whatever method. */
  readonly asError: () => Uint8Array;
}

/**
 * The answer to a call that was denied or whose outcome is not recorded. Of tools/call it is a result with `isError`,
 * which a model gets to read, also where the tool has an output schema; of any other method a JSON-RPC error.
 */
export function denialAnswer(denied: DeniedCall): Uint8Array {
  const { id, method } = denied;
  return method === 'tools/call' ? answer(id, `"result":${denialResult(denied)}`) : denialError(denied);
}

/** The result of a tool that says so, as JSON text. */
export function denialResult(denied: Omit<DeniedCall, 'id' | 'method'>): string {
  const content = JSON.stringify([{ type: 'text', text: textOf(denied.denial) }]);
  const resultType = denied.era === 'modern' ? '"resultType":"complete",' : '';
  return `{${resultType}"content":${content},"isError":true,"_meta":${objectOf(membersOf(denied))}}`;
}

/** The same as a JSON-RPC error. */
export function denialError(denied: DeniedCall): Uint8Array {
  return errorAnswer(denied.id, wireCodes.refused, textOf(denied.denial), objectOf(membersOf(denied)));
}

function membersOf({ denial, envelopes }: Pick<DeniedCall, 'denial' | 'envelopes'>): readonly MetaMember[] {
  return [denialMember(denial), ...(envelopes ? [envelopeMember(envelopes)] : [])];
}

function textOf({ message, code }: Denial): string {
  return `${message} (${code})`;
}

/** The answer to a message that went nowhere, with our reason as `data.code`. */
export function refusalAnswer({ error, id, wasJson }: Omit<Refusal, 'kind'>): Uint8Array {
  const data = JSON.stringify({ code: error.code });
  return errorAnswer(id, wireCodeOf(error.code, wasJson), error.message, data);
}

/** The same for one that was well-formed: its method is closed, its id in flight, its params unfit. */
export function errorAnswerTo(id: MessageId, error: CountersignError): Uint8Array {
  return refusalAnswer({ error, id, wasJson: true });
}

function wireCodeOf(code: ReasonCode, wasJson: boolean): number {
  switch (code) {
    case 'FRAME_INVALID':
      return wasJson ? wireCodes.invalidRequest : wireCodes.parseError;
    case 'MESSAGE_AMBIGUOUS':
    case 'REQUEST_ID_IN_FLIGHT':
    case 'CALL_WITHOUT_ID':
    case 'TOO_LARGE':
      return wireCodes.invalidRequest;
    case 'HEADER_MISMATCH':
      return wireCodes.headerMismatch;
    case 'METHOD_NOT_RELAYED':
      return wireCodes.methodNotFound;
    case 'ARGUMENTS_AMBIGUOUS':
      return wireCodes.invalidParams;
    default:
      return wireCodes.refused;
  }
}

function errorAnswer(id: MessageId | undefined, code: number, message: string, data: string): Uint8Array {
  return answer(id, `"error":{"code":${code},"message":${JSON.stringify(message)},"data":${data}}`);
}

/** A response. Without a readable id its id is null (JSON-RPC 2.0 section 5). */
function answer(id: MessageId | undefined, member: string): Uint8Array {
  return concatBytes(utf8('{"jsonrpc":"2.0","id":'), id?.raw ?? utf8('null'), utf8(`,${member}}`));
}
