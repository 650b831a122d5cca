import { Hono, type Context } from 'hono';
import type { Call, ServerRef, ToolDefinition } from '../../call/call.ts';
import { utf8 } from '../../call/bytes.ts';
import { ambiguityWithin } from '../../call/json-node.ts';
import { parseJson } from '../../call/json-scan.ts';
import type { JsonObject } from '../../call/json.ts';
import { uuidv7 } from '../../call/uuid.ts';
import { CountersignError, toCountersignError } from '../../errors.ts';
import type { Gate } from '../../gate/gate.ts';
import type { Execution, Target } from '../../targets/target.ts';
import { callAnswer, refusalAnswer, toResponse, type HttpAnswer } from './answers.ts';
import { credentialsOf } from './credentials.ts';
import { describeRoute, type Operation } from './describe-route.ts';
import { readBody } from './read-body.ts';
import { callerOf } from './require-key.ts';

/** An action that the operator declared. */
export interface Action {
  readonly definition: ToolDefinition;
  readonly target: Target;
}

export interface ActionRoutesOptions {
  readonly gate: Gate;
  /** What policy calls `actions/NAME`; its digest covers every declaration. */
  readonly server: ServerRef;
  readonly actions: ReadonlyMap<string, Action>;
  /** Bytes of one body, at most. */
  readonly maxBodyBytes: number;
}

/**
 * `POST /actions/NAME`, its body the parameters: one JSON object. An action that is not declared is decided like every
 * other call, and denied: only somebody with a key learns even that.
 */
export function actionRoutes(options: ActionRoutesOptions): Hono {
  const app = new Hono();
  app.post('/actions/:name', describeRoute(operation), async (context) =>
    toResponse(await act(options, context.req.param('name'), context)),
  );
  return app;
}

async function act(options: ActionRoutesOptions, name: string, context: Context): Promise<HttpAnswer> {
  const { gate, server, actions, maxBodyBytes } = options;
  try {
    await callerOf(context, gate, 'call');
    const request = context.req.raw;
    const body = await readBody(request, maxBodyBytes);
    const call = callOf(server, name, body);
    const target = actions.get(name)?.target ?? nowhere;
    return callAnswer(call.id, await gate.run(call, credentialsOf(context), target, request.signal));
  } catch (error) {
    const { code, message } = toCountersignError(error, 'INTERNAL', 'The call could not be handled.');
    return refusalAnswer(code, message);
  }
}

function callOf(server: ServerRef, tool: string, body: Uint8Array): Call {
  return {
    id: uuidv7(Date.now()),
    server,
    kind: 'tool',
    tool,
    ...carriedBy(body),
    era: 'modern',
    withArguments: changedBody,
  };
}

/** The same with a body of other arguments; what that says is read from it, as the service will read it. */
function changedBody(args: JsonObject): ReturnType<typeof carriedBy> | undefined {
  try {
    return carriedBy(utf8(JSON.stringify(args)));
  } catch (error) {
    if (error instanceof CountersignError) return undefined;
    throw error;
  }
}

/** A body is all that an action carries. Throws FRAME_INVALID or ARGUMENTS_AMBIGUOUS. */
function carriedBy(body: Uint8Array): Pick<Call, 'params' | 'arguments' | 'payload'> {
  const { root, ambiguities } = parseJson(body);
  if (root.kind !== 'object')
    throw new CountersignError('FRAME_INVALID', 'The parameters of an action are one JSON object.');
  const ambiguity = ambiguityWithin({ root, ambiguities }, root);
  if (ambiguity !== undefined)
    throw new CountersignError(
      'ARGUMENTS_AMBIGUOUS',
      `Two parsers could read the parameters differently: ${ambiguity.kind}.`,
    );
  return { params: body, arguments: root.value, payload: body };
}

/** Where a call goes that no policy may allow. */
const nowhere: Target = {
  execute: (): Promise<Execution> =>
    Promise.resolve({
      kind: 'none',
      outcome: 'aborted',
      code: 'UPSTREAM_GONE',
      message: 'There is no such action; nothing ran.',
    }),
};

/** `member` holds what the service said; a denial has nothing there. */
const answered = (...member: readonly string[]): JsonObject => ({
  type: 'object',
  properties: {
    callId: { type: 'string', format: 'uuid' },
    ...Object.fromEntries(member.map((name) => [name, {}])),
    _meta: { type: 'object' },
  },
  required: ['callId', '_meta'],
});
const operation: Operation = {
  summary: 'Carries a declared action out, once it is allowed',
  description: 'The answer brings the envelopes of verdict and outcome in `_meta`.',
  requestBody: {
    required: true,
    content: {
      'application/json': {
        schema: { type: 'object', description: 'The parameters that the action declares.' },
      },
    },
  },
  responses: {
    200: {
      description: 'What the service answered, byte for byte.',
      content: { 'application/json': { schema: answered('result') } },
    },
    403: {
      description: 'Denied: why is in `_meta`, with the signed DENY.',
      content: { 'application/json': { schema: answered() } },
    },
    502: {
      description: 'The service said no, or could not be reached.',
      content: { 'application/json': { schema: answered('error') } },
    },
  },
};
