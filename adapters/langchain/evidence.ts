import { metaKeys } from '../../src/adapter.ts';
import { isRecord } from './human-decision.ts';
import { readContent } from './messages.ts';

/** A `ToolMessage`, whichever tools an agent's types say that it is of. */
export interface AnsweredMessage {
  readonly content: unknown;
  readonly metadata?: Record<string, unknown> | undefined;
}

/**
 * What a governed `ToolMessage` proves, as JSON text that `countersign verify` takes; undefined where nothing was signed.
 *
 * Of a call that ran, the message's content goes with the envelopes: `verify` finds out whether it is what the tool gave. Of one
 * that failed, or whose outcome could not be recorded, these are the envelopes alone: a model is told of an error in other words.
 */
export function evidenceOf({ content, metadata = {} }: AnsweredMessage): string | undefined {
  const { [metaKeys.envelope]: envelopes, [metaKeys.denial]: denial } = metadata;
  if (!isRecord(envelopes)) return undefined;
  const { verdict, outcome = null } = envelopes;
  const { callId, verdict: decision } = predicateOf(verdict);
  const _meta = {
    [metaKeys.envelope]: envelopes,
    ...(denial !== undefined && { [metaKeys.denial]: denial }),
  };
  if (decision === 'DENY') return JSON.stringify({ callId, decision, denial, _meta });
  if (predicateOf(outcome)['outcome'] !== 'executed') return JSON.stringify({ callId, verdict, outcome });
  return JSON.stringify({ callId, result: readContent(content), _meta });
}

/** What a bundle says; nothing where it cannot be read. Whether it is genuine is for `verify`. */
function predicateOf(bundle: unknown): Record<string, unknown> {
  const dsse = isRecord(bundle) ? bundle['dsseEnvelope'] : undefined;
  const payload = isRecord(dsse) ? dsse['payload'] : undefined;
  const statement = typeof payload === 'string' ? parsed(payload) : undefined;
  const predicate = isRecord(statement) ? statement['predicate'] : undefined;
  return isRecord(predicate) ? predicate : {};
}

function parsed(base64: string): unknown {
  try {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
