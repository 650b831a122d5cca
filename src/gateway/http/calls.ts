import { Hono } from 'hono';
import { utf8 } from '../../call/bytes.ts';
import { toCountersignError } from '../../errors.ts';
import type { CallDesk, Decided } from '../../gate/call-desk.ts';
import type { CallEnvelopes, Denial, Gate, ReportResult } from '../../gate/gate.ts';
import { denialMember, envelopeMember, objectOf } from '../meta-members.ts';
import { reasonHeader, refusalAnswer, statusOf, toResponse, type HttpAnswer } from './answers.ts';
import { decideOperation, reportOperation } from './calls-operations.ts';
import { credentialsOf } from './credentials.ts';
import { describeRoute } from './describe-route.ts';
import { readBody } from './read-body.ts';

export interface CallRoutesOptions {
  readonly gate: Pick<Gate, 'authenticate'>;
  readonly desk: CallDesk;
  /** Bytes of one body, at most. */
  readonly maxBodyBytes: number;
}

/**
 * For callers that carry their calls out themselves: `POST /v1/calls` before, `POST /v1/calls/ID/outcome` after. Both are
 * answered alike when they come again.
 */
export function callRoutes({ gate, desk, maxBodyBytes }: CallRoutesOptions): Hono {
  const app = new Hono();
  app.post('/v1/calls', describeRoute(decideOperation), async (context) => {
    const credentials = credentialsOf(context);
    return respond(async () => {
      // Whoever is nobody does not have a body read.
      await gate.authenticate(credentials, 'call');
      const body = await readBody(context.req.raw, maxBodyBytes);
      return decisionAnswer(await desk.decide(body, credentials));
    });
  });
  app.post('/v1/calls/:callId/outcome', describeRoute(reportOperation), async (context) => {
    const credentials = credentialsOf(context);
    const callId = context.req.param('callId');
    return respond(async () => {
      await gate.authenticate(credentials);
      const body = await readBody(context.req.raw, maxBodyBytes);
      return reportAnswer(callId, await desk.report(callId, body, credentials));
    });
  });
  return app;
}

async function respond(answer: () => Promise<HttpAnswer>): Promise<Response> {
  try {
    return toResponse(await answer());
  } catch (error) {
    const { code, message } = toCountersignError(error, 'INTERNAL', 'The call could not be handled.');
    return toResponse(refusalAnswer(code, message));
  }
}

const json = { 'content-type': 'application/json', 'cache-control': 'no-store' };

/**
 * `{callId, decision, permit | denial, _meta}`. A signed DENY is an answer like a signed ALLOW, and so 200, as with AuthZEN; a
 * denial that nothing was signed for has the status of what failed.
 */
function decisionAnswer({ callId, result }: Decided): HttpAnswer {
  if (result.kind === 'delegated') {
    const { handle, settleBy } = result.permit;
    const permit = JSON.stringify({ handle, settleBy: new Date(settleBy).toISOString() });
    const members = [`"decision":"ALLOW"`, `"permit":${permit}`];
    return { status: 200, headers: json, body: bodyOf(callId, members, result.envelopes) };
  }
  const { denial, envelopes } = result;
  const { status, headers } = envelopes ? { status: 200 } : statusOf(denial.code);
  const members = [`"decision":"DENY"`, `"denial":${denialMember(denial).json}`];
  return {
    status,
    headers: { ...json, ...headers, [reasonHeader]: denial.code },
    body: bodyOf(callId, members, envelopes),
  };
}

/** `{callId, _meta}`; or, with the gate shut until the log writes again, `{callId, denial, _meta}`. */
function reportAnswer(callId: string, result: ReportResult): HttpAnswer {
  if (result.kind === 'done')
    return { status: 200, headers: json, body: bodyOf(callId, [], result.envelopes) };
  return unrecorded(callId, result.denial, result.envelopes);
}

function unrecorded(callId: string, denial: Denial, envelopes: CallEnvelopes): HttpAnswer {
  const { status, headers } = statusOf(denial.code);
  return {
    status,
    headers: { ...json, ...headers, [reasonHeader]: denial.code },
    body: bodyOf(callId, [`"denial":${denialMember(denial).json}`], envelopes),
  };
}

function bodyOf(
  callId: string,
  members: readonly string[],
  envelopes: CallEnvelopes | undefined,
): Uint8Array {
  const meta = objectOf(envelopes ? [envelopeMember(envelopes)] : []);
  return utf8(`{${[`"callId":${JSON.stringify(callId)}`, ...members, `"_meta":${meta}`].join(',')}}`);
}
