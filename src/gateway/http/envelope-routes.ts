import { Hono } from 'hono';
import { toCountersignError } from '../../errors.ts';
import type { Gate } from '../../gate/gate.ts';
import type { Principal } from '../../identity/principal.ts';
import { refusalAnswer, toResponse } from './answers.ts';
import { describeRoute, type Operation } from './describe-route.ts';
import { callerOf } from './require-key.ts';

/** The envelopes of a call, against the newest checkpoint: bundles as JSON text. */
export interface CallBundles {
  readonly verdict: string;
  /** Absent while the call runs, and of a denial. */
  readonly outcome?: string;
}

export interface EnvelopeRoutesOptions {
  readonly gate: Pick<Gate, 'authenticate'>;
  /** Undefined when there is no such call, or it is not one of this principal's. */
  readonly find: (callId: string, principal: Principal) => Promise<CallBundles | undefined>;
}

/** `GET /v1/envelopes/CALL_ID`: what a caller got inline, again; in the form of `countersign log show`. */
export function envelopeRoutes({ gate, find }: EnvelopeRoutesOptions): Hono {
  const app = new Hono();
  app.get('/v1/envelopes/:callId', describeRoute(operation), async (context) => {
    try {
      const principal = await callerOf(context, gate);
      const callId = context.req.param('callId').toLowerCase();
      const bundles = /^[0-9a-f-]{36}$/.test(callId) ? await find(callId, principal) : undefined;
      if (bundles === undefined)
        return toResponse(refusalAnswer('NOT_FOUND', 'There is no call of yours with this id.'));
      const { verdict, outcome = 'null' } = bundles;
      return new Response(`{"callId":"${callId}","verdict":${verdict},"outcome":${outcome}}`, {
        headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
      });
    } catch (error) {
      const { code, message } = toCountersignError(error, 'INTERNAL', 'The envelopes could not be read.');
      return toResponse(refusalAnswer(code, message));
    }
  });
  return app;
}

const operation: Operation = {
  summary: 'The envelopes of one of your own calls, against the newest checkpoint',
  responses: {
    200: {
      description: 'In the form of `countersign log show`.',
      content: {
        'application/json': {
          schema: {
            type: 'object',
            properties: {
              callId: { type: 'string', format: 'uuid' },
              verdict: { type: 'object' },
              outcome: { type: ['object', 'null'] },
            },
            required: ['callId', 'verdict', 'outcome'],
          },
        },
      },
    },
  },
};
