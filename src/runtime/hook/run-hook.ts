import { uuidv7 } from '../../call/uuid.ts';
import type { CallOptions, GateClient, OutcomeReport, ToolCall } from '../../client/gate-client.ts';
import { toldToModel } from '../../client/told.ts';
import { toCountersignError } from '../../errors.ts';
import type { Denial } from '../../gate/gate.ts';
import {
  allowed,
  denied,
  noted,
  passed,
  type HookAnswer,
  type HookCall,
  type HookEnded,
  type HookEvent,
  type HookHost,
} from '../../gateway/hooks/hook-host.ts';
import { readHookInput } from '../../gateway/hooks/hook-input.ts';
import type { EvidenceFiles } from './evidence-files.ts';
import { argumentsDigest, type OpenCall, type OpenCalls } from './open-calls.ts';
import type { Prompts } from './prompts.ts';

export interface HookOptions {
  readonly host: HookHost;
  /** Whether what is allowed runs without the host's own question. */
  readonly approve: boolean;
  /** Reaches the gate, and starts it where it is this home's own and `start` is said. Throws why it cannot. */
  readonly connect: (start: boolean) => Promise<GateClient>;
  /** The person that the host works for, asked at each event. */
  readonly humanToken: () => Promise<string | undefined>;
  /** What its calls are narrowed to, asked at each event. */
  readonly grant?: (() => Promise<string | undefined>) | undefined;
  readonly open: OpenCalls;
  readonly prompts: Prompts;
  readonly evidence: EvidenceFiles;
  /** Ends the asking. */
  readonly signal: AbortSignal;
  /** Told whether the event comes before a tool as soon as that is known: what fails from then on fails accordingly. */
  readonly onEvent: (guards: boolean) => void;
}

/** Milliseconds that a host may take to carry a call out: the most that a gate allows. */
const settleWithin = 600_000;

/** One event of a host, from its bytes to what it is answered. Rejects only with what could not be read, or connected to. */
export async function runHook(input: Uint8Array, options: HookOptions): Promise<HookAnswer> {
  const event = options.host.read(readHookInput(input));
  const guards = event.kind === 'before' || (event.kind === 'other' && event.guards);
  options.onEvent(guards);
  switch (event.kind) {
    case 'before':
      return before(event.call, options);
    case 'after':
      return after(event, options);
    case 'end':
      options.prompts.forget(event.session);
      return end(event.session, options);
    case 'prompt':
      options.prompts.keep(event.session, event.prompt);
      return noted(options.host);
    case 'other':
      return event.guards ? denied(options.host, toldToModel(unknownEvent)) : passed();
  }
}

const unknownEvent: Denial = {
  code: 'FRAME_INVALID',
  message: 'The host asks about something that this hook does not know.',
  retryable: false,
};

/** Asks. The call is kept for the event after it before the host hears that it may go on. */
async function before(call: HookCall, options: HookOptions): Promise<HookAnswer> {
  const { host, approve, connect, open, prompts, evidence, signal } = options;
  const request = prompts.of(call.session);
  const said = await callOptions(options);
  const asked: ToolCall = {
    callId: uuidv7(Date.now()),
    server: host.name,
    tool: call.tool,
    arguments: call.arguments,
    definition: { name: call.tool },
    ...(request !== undefined && { request }),
    context: call.context,
    settleWithin,
  };
  let client = await connect(true);
  let decided = await client.decide(asked, said);
  if (decided.decision === 'DENY' && decided.denial.code === 'GATE_UNREACHABLE' && !signal.aborted) {
    // A gate that nobody had asked for long may have ended just now. Under the same id it is one call.
    client = await connect(true);
    decided = await client.decide(asked, said);
  }
  if (decided.decision === 'DENY') {
    const trouble = evidence.denied(decided);
    const answer = denied(host, toldOf(decided.denial, decided.envelopes && decided.callId));
    return trouble === undefined ? answer : { ...answer, stderr: `${answer.stderr}${trouble}\n` };
  }
  const { callId, permit } = decided;
  try {
    open.keep(call, { callId, tool: call.tool, permit, argumentsSha256: argumentsDigest(call) });
  } catch (error) {
    // Its outcome could not be told any more: it must not begin.
    await client.report(callId, permit, { outcome: 'aborted' }, said);
    throw error;
  }
  return allowed(host, approve);
}

function toldOf(denial: Denial, callId: string | undefined): string {
  return callId === undefined ? toldToModel(denial) : `${toldToModel(denial)} [call ${callId}]`;
}

type After = Extract<HookEvent, { kind: 'after' }>;

/** Reports. It has run: what goes wrong here is told to the person, and not held against the tool. */
async function after({ call, ended }: After, options: HookOptions): Promise<HookAnswer> {
  const found = options.open.take(call);
  // Nothing was allowed under this id: another hook, or the host, has refused it, or it came past us.
  if (found === undefined) return passed();
  const isSame = found.argumentsSha256 === argumentsDigest(call) && found.tool === call.tool;
  const told = isSame ? reportOf(ended) : ({ outcome: 'unknown' } as const);
  const trouble = await settle(found, told, options);
  if (trouble !== undefined) return passed(trouble);
  return isSame
    ? passed()
    : passed(
        `The arguments that ran are not those that were decided on: call ${found.callId} is settled as unknown (ARGUMENTS_CHANGED).`,
      );
}

function reportOf(ended: HookEnded): OutcomeReport {
  switch (ended.outcome) {
    case 'executed':
      return { outcome: 'executed', result: ended.bytes };
    case 'failed':
      return { outcome: 'failed', error: ended.bytes };
    case 'unknown':
      return { outcome: 'unknown' };
  }
}

/** What a session leaves behind may be running still: nobody will say what came of it. */
async function end(session: string, options: HookOptions): Promise<HookAnswer> {
  const left = options.open.takeAll(session);
  const troubles = await Promise.all(left.map((call) => settle(call, { outcome: 'unknown' }, options)));
  return passed(troubles.find((trouble) => trouble !== undefined));
}

/** Resolves to what the person should know. */
async function settle(
  { callId, permit }: OpenCall,
  report: OutcomeReport,
  options: HookOptions,
): Promise<string | undefined> {
  try {
    const client = await options.connect(false);
    // The handle and the key settle it: a login that has ended since must not leave it open.
    const said = await callOptions(options).catch(() => ({ signal: options.signal }));
    const settled = await client.report(callId, permit, report, said);
    // What came of it counts more than what it said: a result that is too long, or ambiguous, is left out.
    const again =
      settled.kind === 'unsettled' && unfit.has(settled.denial.code)
        ? await client.report(callId, permit, { outcome: report.outcome }, said)
        : settled;
    if (again.kind === 'unsettled') return unsettled(callId, again.denial);
    const told = again === settled ? report : { outcome: report.outcome };
    return options.evidence.settled(callId, told, again.envelopes);
  } catch (error) {
    return unsettled(callId, toCountersignError(error, 'INTERNAL', 'The gate could not be told.'));
  }
}

const unfit: ReadonlySet<string> = new Set(['TOO_LARGE', 'ARGUMENTS_AMBIGUOUS', 'FRAME_INVALID']);

function unsettled(callId: string, { code, message }: Pick<Denial, 'code' | 'message'>): string {
  return `The outcome of call ${callId} was not recorded: ${message} (${code})`;
}

async function callOptions({ humanToken, grant, signal }: HookOptions): Promise<CallOptions> {
  const [token, granted] = await Promise.all([humanToken(), grant?.()]);
  return {
    signal,
    ...(token !== undefined && { humanToken: token }),
    ...(granted !== undefined && { grant: granted }),
  };
}
