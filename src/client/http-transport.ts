import { readAtMost } from '../call/read-at-most.ts';
import { denial } from './denial.ts';
import type { CallOptions } from './gate-client.ts';
import { readDecision, readSettlement, type GateAnswer } from './read-answer.ts';
import type { Transport } from './transport.ts';

export interface HttpTransportOptions {
  /** Ends with a slash. */
  readonly base: URL;
  readonly apiKey: string;
  /** Of calls that bring none themselves. */
  readonly grant?: string | undefined;
  readonly fetch: typeof globalThis.fetch;
  readonly timeout: number;
  readonly retries: number;
}

/** Two envelopes have some ten kilobytes. */
const maxAnswerBytes = 4 << 20;
const firstPauseMs = 100;

/** What a gateway says of itself rather than of the call: it, or the one in front of it, may do better in a moment. */
const passing: ReadonlySet<number> = new Set([502, 503, 504]);

/** The decision API over HTTP: `POST v1/calls`, `POST v1/calls/ID/outcome`. Both may be sent again, as both answer alike. */
export function httpTransport(options: HttpTransportOptions): Transport {
  const post = async (path: string, body: Uint8Array, call: CallOptions): Promise<GateAnswer | undefined> => {
    for (let attempt = 0; ; attempt += 1) {
      const answer = await postOnce(options, path, body, call);
      const isFinal = answer !== undefined && !passing.has(answer.status);
      if (isFinal || attempt >= options.retries || call.signal?.aborted) return answer;
      await pause(firstPauseMs * 4 ** attempt, call.signal);
    }
  };
  return {
    async decide(request, call) {
      const answer = await post('v1/calls', request, call);
      return answer ? readDecision(answer) : { kind: 'denied', denial: unreachable };
    },
    async report(callId, report, call) {
      const answer = await post(`v1/calls/${encodeURIComponent(callId)}/outcome`, report, call);
      return answer ? readSettlement(answer) : { kind: 'refused', denial: untold };
    },
  };
}

const unreachable = denial(
  'GATE_UNREACHABLE',
  'The gate could not be reached, or gave no answer: without one nothing may run.',
  true,
);
const untold = denial(
  'OUTCOME_UNRECORDED',
  'The gate could not be told what became of the call: it has run, or may have; do not retry it.',
);

/** Undefined when there was no answer that could be read to its end. */
async function postOnce(
  { base, apiKey, grant: ownGrant, fetch, timeout }: HttpTransportOptions,
  path: string,
  body: Uint8Array,
  { humanToken, deviceToken, grant = ownGrant, signal }: CallOptions,
): Promise<GateAnswer | undefined> {
  const ended = new AbortController();
  const stop = (): void => ended.abort();
  const timer = setTimeout(stop, timeout);
  if (signal?.aborted) stop();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const response = await fetch(new URL(path, base), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'countersign-key': apiKey,
        ...(humanToken !== undefined && { 'countersign-human-token': humanToken }),
        ...(deviceToken !== undefined && { 'countersign-device-token': deviceToken }),
        ...(grant !== undefined && { 'countersign-grant': grant }),
      },
      body: new Uint8Array(body),
      // Whoever can answer for the gate could send the key elsewhere. Workers know no `error`; a redirect itself is no ALLOW.
      redirect: 'manual',
      signal: ended.signal,
    });
    const bytes = await readAtMost(response.body, maxAnswerBytes);
    return bytes && { status: response.status, bytes };
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
