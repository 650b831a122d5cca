import { concatBytes, fromUtf8, utf8 } from '../call/bytes.ts';
import { parseJson } from '../call/json-scan.ts';
import type { Json } from '../call/json.ts';
import { CountersignError } from '../errors.ts';
import { readAtMost } from '../call/read-at-most.ts';
import { none, redeemForNow, stopped, wasNeverReached } from './no-answer.ts';
import type { Execution, Target } from './target.ts';

/** The one request that an action makes. Its body is the call's arguments, byte for byte as they were decided on. */
export interface HttpActionRequest {
  readonly method: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  /** Of the operator's configuration, credentials included: nothing of the caller's is passed on. */
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds until the answer has been read. */
  readonly timeout: number;
}

export interface HttpActionOptions {
  readonly request: HttpActionRequest;
  readonly fetch: typeof globalThis.fetch;
  /** Bytes of an answer, at most; 8 MiB unless told. */
  readonly maxAnswerBytes?: number;
}

const defaultMaxAnswerBytes = 8 << 20;

/**
 * An HTTP service that carries out one kind of action. The call's id goes along as `Idempotency-Key`, so that a service
 * that knows the header can tell a repetition. A redirect is an answer, never followed: the operator named one place.
 */
export function createHttpActionTarget(options: HttpActionOptions): Target {
  const { request, fetch } = options;
  const maxAnswerBytes = options.maxAnswerBytes ?? defaultMaxAnswerBytes;
  return {
    async execute(permit, signal) {
      const refusal = redeemForNow(permit, signal);
      if (refusal) return refusal;
      // Not `AbortSignal.timeout`, whose timers stay behind calls that have long been answered.
      const late = new AbortController();
      const timer = setTimeout(() => late.abort(), request.timeout);
      const ended = AbortSignal.any([signal, late.signal]);
      try {
        const response = await fetch(request.url, {
          method: request.method,
          headers: {
            accept: 'application/json',
            ...request.headers,
            'content-type': 'application/json',
            'idempotency-key': permit.call.id,
          },
          body: new Uint8Array(permit.call.payload),
          redirect: 'manual',
          signal: ended,
        });
        const body = await readAtMost(response.body, maxAnswerBytes);
        return body === undefined ? tooLarge : executionOf(response, body);
      } catch (error) {
        return noAnswer(error, signal, ended);
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

/** A body that is no JSON is told as a text, if it is one. */
function executionOf(response: Response, body: Uint8Array): Execution {
  const told = tellBody(body);
  if (told === undefined) return unreadable;
  if (response.ok) {
    return { kind: 'result', result: told.bytes, value: told.value, frame: told.bytes, pending: false };
  }
  const bytes = concatBytes(utf8(`{"status":${response.status},"body":`), told.bytes, utf8('}'));
  return { kind: 'error', error: bytes, value: { status: response.status, body: told.value }, frame: bytes };
}

function tellBody(body: Uint8Array): { readonly bytes: Uint8Array; readonly value: Json } | undefined {
  if (body.length === 0) return { bytes: utf8('null'), value: null };
  try {
    const { root, ambiguities } = parseJson(body);
    // What two readers could take for two results is no result.
    if (ambiguities.some(({ kind }) => kind === 'duplicate-key' || kind === 'lone-surrogate'))
      return undefined;
    return { bytes: body.subarray(root.start, root.end), value: root.value };
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    const text = fromUtf8(body);
    return text === undefined ? undefined : { bytes: utf8(JSON.stringify(text)), value: text };
  }
}

function noAnswer(error: unknown, caller: AbortSignal, ended: AbortSignal): Execution {
  if (caller.aborted) return stopped(caller.reason, 'unknown', 'after it was sent; it may have run.');
  if (ended.aborted)
    return none('unknown', 'UPSTREAM_GONE', 'The service did not answer in time; the call may have run.');
  return wasNeverReached(error)
    ? none('aborted', 'UPSTREAM_GONE', 'The service could not be reached; nothing ran.')
    : none('unknown', 'UPSTREAM_GONE', 'The connection to the service ended; the call may have run.');
}

const tooLarge = none(
  'unknown',
  'UPSTREAM_INVALID',
  'The service answered more than is read; the call may have run.',
);
const unreadable = none(
  'unknown',
  'UPSTREAM_INVALID',
  'The service gave an answer that is neither JSON nor text; the call may have run.',
);
