import { uuidv7 } from '../call/uuid.ts';
import { askCall } from './ask-call.ts';
import { requireBound } from './bound-answer.ts';
import { denial, denialOfThrown } from './denial.ts';
import type { CallOptions, GateClient, GateDecision, GateReport, ToolCall } from './gate-client.ts';
import { reportBytes, requestBytes, toldBy } from './request-bytes.ts';
import type { Transport } from './transport.ts';

/** The one client, however the gate is reached. */
export function createClient(transport: Transport): GateClient {
  const decide = async (call: ToolCall, options: CallOptions = {}): Promise<GateDecision> => {
    const callId = call.callId ?? uuidv7(Date.now());
    try {
      const request = requestBytes(call, callId);
      const answered = await transport.decide(request, options);
      if (answered.callId !== undefined && answered.callId !== callId) return deny(callId, anotherCall);
      if (answered.kind === 'denied') return deny(callId, answered.denial, answered.envelopes);
      const { permit, envelopes } = answered;
      const lasts = requireBound({ callId, call, request }, answered);
      return { decision: 'ALLOW', callId, permit, lasts, envelopes };
    } catch (error) {
      return deny(callId, denialOfThrown(error));
    }
  };

  const report: GateClient['report'] = async (
    callId,
    { handle },
    said,
    options = {},
  ): Promise<GateReport> => {
    const bytes = reportBytes(handle, said.outcome, toldBy(said));
    const answered = await transport.report(callId, bytes, options);
    return answered.kind === 'done'
      ? { kind: 'settled', envelopes: answered.envelopes }
      : { kind: 'unsettled', denial: answered.denial };
  };

  return {
    decide,
    report,
    async run(call, execute, options) {
      const asked = await askCall({ decide, report }, call, options);
      return asked.kind === 'denied' ? asked : asked.run(execute);
    },
  };
}

type Denied = Extract<GateDecision, { decision: 'DENY' }>;

function deny(callId: string, why: Denied['denial'], envelopes?: Denied['envelopes']): Denied {
  return { decision: 'DENY', callId, denial: why, ...(envelopes && { envelopes }) };
}

const anotherCall = denial('GATE_ANSWER_INVALID', 'The gate’s answer is about another call.');
