import { Hono } from 'hono';
import type { Context } from 'hono';
import type { JsonObject } from '../../call/json.ts';
import { CountersignError, toCountersignError } from '../../errors.ts';
import type { ApprovalDesk } from '../../gate/approvals/approval-desk.ts';
import { readObject } from '../../gate/caller-request.ts';
import type { Gate } from '../../gate/gate.ts';
import { refusalAnswer, toResponse } from './answers.ts';
import { answerOperation, listOperation, showOperation } from './approvals-operations.ts';
import { describeRoute } from './describe-route.ts';
import { readBody } from './read-body.ts';
import { callerOf } from './require-key.ts';

export interface ApprovalRoutesOptions {
  readonly gate: Pick<Gate, 'authenticate'>;
  readonly desk: ApprovalDesk;
}

/** An answer is one word. */
const maxBodyBytes = 1_024;

/**
 * Calls that wait for somebody's approval, told to those alone who may answer: `GET /v1/approvals`, `GET /v1/approvals/ID`,
 * `POST /v1/approvals/ID`. They bring their own token beside an API key that is not the asking agent's.
 */
export function approvalRoutes({ gate, desk }: ApprovalRoutesOptions): Hono {
  const app = new Hono();
  app.get('/v1/approvals', describeRoute(listOperation), (context) =>
    respond(async () => ({ approvals: [...(await desk.list(await callerOf(context, gate)))] })),
  );
  app.get('/v1/approvals/:id', describeRoute(showOperation), (context) =>
    respond(async () => desk.show(await callerOf(context, gate), context.req.param('id'))),
  );
  app.post('/v1/approvals/:id', describeRoute(answerOperation), (context) =>
    respond(async () => {
      const principal = await callerOf(context, gate);
      return desk.answer(principal, context.req.param('id'), await readAnswer(context));
    }),
  );
  return app;
}

async function respond(told: () => Promise<JsonObject>): Promise<Response> {
  try {
    return new Response(JSON.stringify(await told()), {
      headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    });
  } catch (error) {
    const { code, message } = toCountersignError(error, 'INTERNAL', 'The request could not be handled.');
    return toResponse(refusalAnswer(code, message));
  }
}

async function readAnswer({ req }: Context): Promise<'approve' | 'deny'> {
  const { answer, ...more } = readObject(await readBody(req.raw, maxBodyBytes));
  if ((answer !== 'approve' && answer !== 'deny') || Object.keys(more).length > 0)
    throw new CountersignError('FRAME_INVALID', 'Send {"answer":"approve"} or {"answer":"deny"}.');
  return answer;
}
