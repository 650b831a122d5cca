import { Hono } from 'hono';
import { fromUtf8, utf8 } from '../../call/bytes.ts';
import { readAtMost } from '../../call/read-at-most.ts';
import { CountersignError, toCountersignError } from '../../errors.ts';
import type { ReasonCode } from '../../names.ts';
import { reasonHeader, toResponse } from './answers.ts';
import { describeRoute, type Operation } from './describe-route.ts';

export const securityEventsPath = '/v1/security-events';

export interface SecurityEventRoutesOptions {
  /** Takes a security event token, with the header `Authorization` of its request; rejects with why it cannot be taken. */
  readonly receive: (token: string, authorization: string | undefined) => Promise<unknown>;
  /** Told of each that was refused. */
  readonly onRefused: (code: ReasonCode) => void;
}

/** A transmitter has few events at a time; whoever floods this has none. */
const maxInFlight = 32;
const maxBytes = 16_384;

/**
 * `POST /v1/security-events`: a transmitter pushes one security event token (RFC 8935). No API key is asked for, as the token's
 * signature says who sends it.
 *
 * - 202: it was taken, also if it was before
 * - 400 `{err, description}`: it never will be
 * - 503: it could not be taken now
 */
export function securityEventRoutes({ receive, onRefused }: SecurityEventRoutesOptions): Hono {
  const app = new Hono();
  let inFlight = 0;
  app.post(securityEventsPath, describeRoute(operation), async ({ req }) => {
    if (inFlight >= maxInFlight) return refusal(busy, true);
    inFlight += 1;
    try {
      const token = await tokenIn(req.raw);
      if (token === undefined) return refusal(noToken, false);
      await receive(token, req.header('authorization'));
      return new Response(null, { status: 202, headers: { 'cache-control': 'no-store' } });
    } catch (thrown) {
      const error = toCountersignError(thrown, 'INTERNAL', 'The event could not be taken.');
      const isWrong = error.code.startsWith('EVENT_TOKEN_');
      if (isWrong) onRefused(error.code);
      return refusal(error, !isWrong || error.code === 'EVENT_TOKEN_KEYS_UNAVAILABLE');
    } finally {
      inFlight -= 1;
    }
  });
  return app;
}

const busy = new CountersignError('GATE_BUSY', 'Too many events at a time: send it again.');
const noToken = new CountersignError(
  'FRAME_INVALID',
  `Send one event as application/secevent+jwt, in at most ${maxBytes} bytes.`,
);

/** RFC 8935 §2.1: the body is the token, and nothing else. */
async function tokenIn({ headers, body }: Request): Promise<string | undefined> {
  if (headers.get('content-type')?.toLowerCase() !== 'application/secevent+jwt') return undefined;
  const bytes = await readAtMost(body, maxBytes);
  return bytes && fromUtf8(bytes);
}

/** RFC 8935 §2.4. What passes, or is ours to mend, asks for another try. */
function refusal({ code, message }: CountersignError, mayComeAgain: boolean): Response {
  return toResponse({
    status: mayComeAgain ? 503 : 400,
    headers: {
      'content-type': 'application/json',
      'content-language': 'en',
      'cache-control': 'no-store',
      ...(mayComeAgain && { 'retry-after': '1' }),
      [reasonHeader]: code,
    },
    body: utf8(JSON.stringify({ err: errors[code] ?? 'invalid_request', description: message })),
  });
}

const errors: Readonly<Partial<Record<ReasonCode, string>>> = {
  EVENT_TOKEN_ISSUER_UNKNOWN: 'invalid_issuer',
  EVENT_TOKEN_AUDIENCE_REFUSED: 'invalid_audience',
  EVENT_TOKEN_KEY_UNKNOWN: 'invalid_key',
  EVENT_TOKEN_ALGORITHM_REFUSED: 'invalid_key',
  EVENT_TOKEN_SIGNATURE_INVALID: 'authentication_failed',
  EVENT_TOKEN_PROOF_INVALID: 'authentication_failed',
  EVENT_TOKEN_SUBJECT_REFUSED: 'access_denied',
};

const errorSchema = {
  type: 'object',
  properties: { err: { type: 'string' }, description: { type: 'string' } },
  required: ['err', 'description'],
};
const operation: Operation = {
  summary: 'Takes a security event: somebody’s session, account or device is no longer what it was',
  description:
    'RFC 8935. The signature of the token says who sends it. The same event again is taken, and changes nothing.',
  requestBody: {
    required: true,
    content: { 'application/secevent+jwt': { schema: { type: 'string' } } },
  },
  responses: {
    202: { description: 'It was taken.' },
    400: {
      description: 'It cannot be taken, however often it is sent.',
      content: { 'application/json': { schema: errorSchema } },
    },
    503: {
      description: 'It could not be taken now: send it again.',
      content: { 'application/json': { schema: errorSchema } },
    },
  },
};
