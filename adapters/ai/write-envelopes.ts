import { metaOf, type GovernedEnd, type JsonObject } from '../../src/adapter.ts';

/** What a `data-countersign` part tells of one call. */
export interface EnvelopeData {
  readonly callId: string;
  readonly tool: string;
  readonly toolCallId?: string;
  readonly kind: GovernedEnd['ended']['kind'];
  /** The envelopes, and the denial if there is one, under the names that they have in MCP's `_meta`. */
  readonly _meta: JsonObject;
}

/** A `UIMessageStreamWriter`, as far as it is used. */
export interface EnvelopeWriter {
  write(part: { type: 'data-countersign'; id: string; data: EnvelopeData }): void;
}

/**
 * Makes an `onEnd` that writes the envelopes of each call to the UI, as a data part of the message: the model is not told it.
 * Neither arguments nor results stand in it, nor errors, which servers do not like to show.
 */
export function writeEnvelopes(writer: EnvelopeWriter): (end: GovernedEnd) => void {
  return ({ tool, toolCallId, ended }) => {
    const { callId, kind } = ended;
    const named = { callId, tool, ...(toolCallId !== undefined && { toolCallId }) };
    writer.write({ type: 'data-countersign', id: callId, data: { ...named, kind, _meta: metaOf(ended) } });
  };
}
