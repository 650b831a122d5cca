import type { Call } from '../call/call.ts';
import { hex, sha256 } from '../call/sha256.ts';
import { uuidv7 } from '../call/uuid.ts';
import { CountersignError } from '../errors.ts';
import type { Credentials, Principal } from '../identity/principal.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { readCallerReport } from './caller-report.ts';
import { readCallerRequest, type CallerRequest } from './caller-request.ts';
import { createCallerTools, type CallerToolsOptions } from './caller-tools.ts';
import type { Delegated, Gates, ReportResult } from './gate.ts';
import { rememberAnswers } from './remembered.ts';

/** Where callers that carry their calls out themselves ask before, and report after. */
export interface CallDesk {
  /**
   * Decides what a request asks (`CallerRequest`). Rejects when nothing was decided: with a code of the credentials,
   * FRAME_INVALID, ARGUMENTS_AMBIGUOUS or TOO_LARGE; CALL_ID_REUSED when the id stands for another request; CALL_ID_KNOWN when
   * it was decided before and the answer is not kept here any more.
   */
  decide(request: Uint8Array, credentials: Credentials): Promise<Decided>;
  /** Decides what was read of another form of request; `params` is what the verdict commits to. The call gets an id of ours. */
  decideRead(
    request: Omit<CallerRequest, 'callId'>,
    params: Uint8Array,
    credentials: Credentials,
  ): Promise<Decided>;
  /** Settles a call by its caller's report (`CallerReport`); rejects as `Gate.report` does. The same report again is answered alike. */
  report(callId: string, report: Uint8Array, credentials: Credentials): Promise<ReportResult>;
}

export interface Decided {
  readonly callId: string;
  readonly result: Delegated;
}

export interface CallDeskOptions extends CallerToolsOptions {
  readonly gates: Gates;
  readonly ledger: Ledger;
}

/** Answers kept for each key: with two envelopes each, some ten megabytes a key. */
const rememberedPerKey = 1_024;

export function createCallDesk(options: CallDeskOptions): CallDesk {
  const { gates, ledger } = options;
  const tools = createCallerTools(options);
  const decisions = rememberAnswers<Delegated>(rememberedPerKey);
  const settlements = rememberAnswers<ReportResult>(rememberedPerKey);

  const delegate = async (
    id: string,
    request: CallerRequest,
    params: Uint8Array,
    principal: Principal,
    credentials: Credentials,
  ): Promise<Delegated> => {
    const {
      server: name,
      tool,
      declared,
      arguments: given,
      era,
      request: asked,
      confirmed,
      ...terms
    } = request;
    const agent = principal.agent.value.id;
    const { server, directory } = principal.refusal
      ? tools.unmet(agent, name)
      : await tools.of(agent, name, declared);
    const call: Call = {
      ...{ id, server, kind: 'tool', tool, params, arguments: given, payload: params, era },
      ...(asked !== undefined && { request: asked }),
      ...(confirmed === true && { confirmed }),
    };
    return gates.under(directory).delegate(call, credentials, terms);
  };

  const decideNew: CallDesk['decideRead'] = async (request, params, credentials) => {
    const principal = await gates.authenticate(credentials, 'call');
    const callId = uuidv7(Date.now());
    return { callId, result: await delegate(callId, request, params, principal, credentials) };
  };

  return {
    decideRead: decideNew,
    async decide(bytes, credentials) {
      const principal = await gates.authenticate(credentials, 'call');
      // A copy, as the caller's own buffer may change: what was decided on is what was committed to.
      const params = bytes.slice();
      const request = readCallerRequest(params);
      const { callId } = request;
      if (callId === undefined) return decideNew(request, params, credentials);
      const asked = { asker: principal.apiKeyId, id: callId, question: questionOf(params, principal) };
      const decide = (): Promise<Delegated> => delegate(callId, request, params, principal, credentials);
      const result = await decisions.answer(asked, () => decideOnce(ledger, callId, decide), isDurable);
      return { callId, result };
    },
    async report(callId, bytes, credentials) {
      const principal = await gates.authenticate(credentials);
      const { handle, said } = readCallerReport(bytes);
      const asked = {
        asker: principal.apiKeyId,
        id: `${callId} ${hex(sha256(bytes))}`,
        question: 'report',
      };
      return settlements.answer(
        asked,
        () => gates.report(callId, handle, credentials, said),
        ({ kind }) => kind === 'done',
      );
    },
  };
}

/** For a call has one verdict: the ledger refuses a second one too, whoever asks for it, and wherever. */
async function decideOnce(
  ledger: Ledger,
  callId: string,
  decide: () => Promise<Delegated>,
): Promise<Delegated> {
  if ((await ledger.entriesOfCall(callId)).length > 0) throw knownBefore();
  const result = await decide();
  if (result.kind === 'denied' && result.denial.code === 'PERMIT_INVALID') throw knownBefore();
  return result;
}

function knownBefore(): CountersignError {
  return new CountersignError(
    'CALL_ID_KNOWN',
    'This call was decided before, and its answer is not kept here any more: ask again under another id.',
  );
}

/** What is not in the log may be decided differently when it is asked again. */
function isDurable(result: Delegated): boolean {
  return result.kind === 'delegated' || result.envelopes !== undefined;
}

/** An answer is for this request of these principals: with the same key another person may stand behind it. */
function questionOf(
  bytes: Uint8Array,
  { agent, human, device, network, grants, refusal }: Principal,
): string {
  const who = [
    ...[agent.value.id, human?.value.issuer, human?.value.subject],
    ...[device?.value.id, network?.value.zone, grants?.at(-1)?.sha256, refusal?.code],
  ];
  return JSON.stringify([hex(sha256(bytes)), ...who.map((each) => each ?? null)]);
}
