import { Hono, type Context } from 'hono';
import { utf8 } from '../../call/bytes.ts';
import { isJsonObject, type Json, type JsonObject } from '../../call/json.ts';
import { CountersignError, toCountersignError } from '../../errors.ts';
import type { CallDesk, Decided } from '../../gate/call-desk.ts';
import { readObject } from '../../gate/caller-request.ts';
import type { Gate } from '../../gate/gate.ts';
import type { Credentials, Principal } from '../../identity/principal.ts';
import { metaKeys, type ReasonCode } from '../../names.ts';
import { denialMember, envelopeMember, objectOf, type MetaMember } from '../meta-members.ts';
import { refusalAnswer, statusOf, toResponse, type HttpAnswer } from './answers.ts';
import { batchOf, evaluationOf, semanticOf } from './authzen-mapping.ts';
import { batchOperation, configurationOperation, evaluationOperation } from './authzen-operations.ts';
import { credentialsOf } from './credentials.ts';
import { describeRoute } from './describe-route.ts';
import { readBody } from './read-body.ts';

export interface AuthzenRoutesOptions {
  readonly gate: Pick<Gate, 'authenticate'>;
  readonly desk: CallDesk;
  /** Bytes of one body, at most. */
  readonly maxBodyBytes: number;
}

/**
 * The gate as a policy decision point of AuthZEN 1.0 (https://openid.net/specs/authorization-api-1_0.html): every evaluation is a
 * signed verdict in the log, which the answer's `context` carries, with the handle by which an ALLOW is reported.
 */
export function authzenRoutes(options: AuthzenRoutesOptions): Hono {
  const app = new Hono();
  app.post('/access/v1/evaluation', describeRoute(evaluationOperation), (context) =>
    respond(options, context, async (asked, asker) => answerOne(await evaluate(options.desk, asked, asker))),
  );
  app.post('/access/v1/evaluations', describeRoute(batchOperation), (context) =>
    respond(options, context, async (asked, asker) => {
      const items = batchOf(asked);
      // Without items it is the one evaluation that it looks like (section 7.1).
      if (items === undefined) return answerOne(await evaluate(options.desk, asked, asker));
      const answers = await evaluateAll(options.desk, items, semanticOf(asked), asker);
      return ok(`{"evaluations":[${answers.join(',')}]}`);
    }),
  );
  app.get('/.well-known/authzen-configuration', describeRoute(configurationOperation), ({ req, json }) =>
    json(configurationOf(new URL(req.url)), 200, { 'cache-control': 'no-store' }),
  );
  return app;
}

interface Asker {
  readonly principal: Principal;
  readonly credentials: Credentials;
}

async function respond(
  { gate, maxBodyBytes }: AuthzenRoutesOptions,
  context: Context,
  answer: (asked: JsonObject, asker: Asker) => Promise<HttpAnswer>,
): Promise<Response> {
  const credentials = credentialsOf(context);
  const response = await answered(async () => {
    const principal = await gate.authenticate(credentials, 'call');
    const asked = readObject(await readBody(context.req.raw, maxBodyBytes));
    return answer(asked, { principal, credentials });
  });
  const requestId = context.req.header('x-request-id');
  if (requestId !== undefined) response.headers.set('x-request-id', requestId);
  return response;
}

async function answered(answer: () => Promise<HttpAnswer>): Promise<Response> {
  try {
    return toResponse(await answer());
  } catch (error) {
    const { code, message } = faultOf(error);
    return toResponse(refusalAnswer(code, message));
  }
}

function faultOf(error: unknown): CountersignError {
  return toCountersignError(error, 'INTERNAL', 'The evaluation could not be made.');
}

async function evaluate(
  desk: CallDesk,
  asked: JsonObject,
  { principal, credentials }: Asker,
): Promise<Decided> {
  const { request, params } = evaluationOf(asked, principal);
  return desk.decideRead(request, params, credentials);
}

/** One after the other, as whether the next one is made at all may hang on the one before. */
async function evaluateAll(
  desk: CallDesk,
  items: readonly Json[],
  semantic: ReturnType<typeof semanticOf>,
  asker: Asker,
): Promise<readonly string[]> {
  const answers: string[] = [];
  for (const item of items) {
    const { json, allowed } = await evaluateItem(desk, item, asker);
    answers.push(json);
    if (semantic === 'deny_on_first_deny' && !allowed) break;
    if (semantic === 'permit_on_first_permit' && allowed) break;
  }
  return answers;
}

interface ItemAnswer {
  readonly json: string;
  readonly allowed: boolean;
}

/** An item that is none is denied, and says why (section 7.2.1): the others are still answered. */
async function evaluateItem(desk: CallDesk, item: Json, asker: Asker): Promise<ItemAnswer> {
  try {
    if (!isJsonObject(item)) throw new CountersignError('FRAME_INVALID', 'An evaluation is an object.');
    const decided = await evaluate(desk, item, asker);
    return { json: decisionOf(decided), allowed: decided.result.kind === 'delegated' };
  } catch (error) {
    const { code, message } = faultOf(error);
    const context = { error: { status: statusOf(code).status, code, message } };
    return { json: JSON.stringify({ decision: false, context }), allowed: false };
  }
}

/** A DENY is an answer, and so 200; what could not be decided for good is an error. */
function answerOne(decided: Decided): HttpAnswer {
  const { result } = decided;
  if (result.kind === 'denied' && result.envelopes === undefined) throw undecided(result.denial);
  return ok(decisionOf(decided));
}

function undecided({
  code,
  message,
}: {
  readonly code: ReasonCode;
  readonly message: string;
}): CountersignError {
  return new CountersignError(code, message);
}

function decisionOf({ callId, result }: Decided): string {
  const members: MetaMember[] = [];
  if (result.envelopes) members.push(envelopeMember(result.envelopes));
  if (result.kind === 'delegated') members.push(permitMember(callId, result.permit));
  else members.push(denialMember(result.denial));
  return `{"decision":${result.kind === 'delegated'},"context":${objectOf(members)}}`;
}

function permitMember(
  callId: string,
  { handle, settleBy }: { handle: string; settleBy: number },
): MetaMember {
  const permit = { callId, handle, settleBy: new Date(settleBy).toISOString() };
  return { key: metaKeys.permit, json: JSON.stringify(permit) };
}

function ok(json: string): HttpAnswer {
  return {
    status: 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: utf8(json),
  };
}

/** Its own host name is one of the gateway's: others are not answered. Beyond this machine a proxy in front speaks TLS. */
function configurationOf({ protocol, host, hostname }: URL): JsonObject {
  const isHere = hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
  const base = `${isHere ? protocol : 'https:'}//${host}`;
  return {
    policy_decision_point: base,
    access_evaluation_endpoint: `${base}/access/v1/evaluation`,
    access_evaluations_endpoint: `${base}/access/v1/evaluations`,
  };
}
