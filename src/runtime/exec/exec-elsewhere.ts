import { askCall, type DeniedCall } from '../../client/ask-call.ts';
import { connectGate } from '../../client/connect-gate.ts';
import { evidenceOf } from '../../client/evidence-of.ts';
import type { Delegator } from '../../client/governed.ts';
import type { CallOptions, GateClient, RunResult } from '../../client/gate-client.ts';
import { CountersignError, toCountersignError } from '../../errors.ts';
import { commandArgumentsOf } from '../../targets/command-arguments.ts';
import { notStartedMessage } from '../../targets/command.ts';
import {
  runCommand,
  type CommandEnd,
  type CommandHands,
  type CommandResult,
} from '../../targets/command-run.ts';
import { assertGuardedSocket, type GateAddress } from '../connect/gate-address.ts';
import { createNodeFetch } from '../connect/node-fetch.ts';
import type { GrantSource } from '../grants/grant-environment.ts';
import type { HumanTokenSource } from '../login/human-token.ts';
import { decisionOf, type ExecEnd } from './exec-end.ts';
import type { PreparedCommand } from './prepare.ts';

export interface GateElsewhere {
  readonly address: GateAddress;
  readonly apiKey: string | undefined;
  readonly humanToken: HumanTokenSource;
  readonly grant?: GrantSource | undefined;
  /** The folder of `countersign enroll`. */
  readonly identity?: string | undefined;
  /** PEM. */
  readonly ca?: string | undefined;
}

/** As long as a gate gives, unless its operator set another limit: it cuts what is more. */
const settleWithin = 600_000;

/** The same with a gate elsewhere: it decides, signs and records; what the command did, it is told by us. */
export async function execElsewhere(
  command: PreparedCommand,
  hands: CommandHands,
  { address, apiKey, humanToken, grant, identity, ca }: GateElsewhere,
  signal: AbortSignal,
): Promise<ExecEnd> {
  if (!apiKey)
    throw new CountersignError(
      'API_KEY_MISSING',
      'There is no API key: whoever runs the gate gives one; set it as COUNTERSIGN_API_KEY.',
    );
  const { socketPath } = address;
  if (socketPath !== undefined) assertGuardedSocket(socketPath);
  const fetch = createNodeFetch({
    ...(socketPath !== undefined && { socketPath }),
    ...(identity !== undefined && { identity }),
    ...(ca !== undefined && { ca }),
  });
  const gate = connectGate({ url: address.base, apiKey, fetch });
  return askAndRun(gate, command, hands, { ...(await delegatorOf(humanToken, grant)), signal });
}

/** Asks a gate, and runs what it allowed. */
export async function askAndRun(
  gate: Pick<GateClient, 'decide' | 'report'>,
  { server, tool, definition, payload }: PreparedCommand,
  hands: CommandHands,
  options: CallOptions,
): Promise<ExecEnd> {
  const call = { server: server.name, tool, definition, arguments: payload.value, settleWithin };
  const asked = await askCall(gate, call, options);
  if (asked.kind === 'denied') return { ...refusedBy(asked), ...decisionOf(asked.envelopes) };
  let end: CommandEnd | undefined;
  const ran = await asked.run(async (args, lease) => {
    end = await runCommand(commandArgumentsOf(args), hands, lease);
    if (end.kind === 'ended') return end.result;
    const cause = end.kind === 'not-started' ? end.cause : 'its time was over';
    throw new CountersignError('COMMAND_NOT_STARTED', notStartedMessage(cause));
  });
  return { ...toldBy(ran), decision: 'ALLOW', ...(end && { end }) };
}

async function delegatorOf(source: HumanTokenSource, grantSource?: GrantSource): Promise<Delegator> {
  try {
    const [humanToken, grant] = await Promise.all([source(), grantSource?.()]);
    return { ...(humanToken !== undefined && { humanToken }), ...(grant !== undefined && { grant }) };
  } catch (error) {
    throw toCountersignError(error, 'LOGIN_FAILED', 'The human’s token, or the grant, cannot be had.');
  }
}

/** What came of an allowed call. Denied is what was given back, as it was not begun. */
function toldBy(ran: RunResult<CommandResult>): ExecEnd {
  switch (ran.kind) {
    case 'denied':
      return refusedBy(ran);
    case 'unsettled': {
      const { callId, denial, envelopes } = ran;
      return { callId, denial, evidence: evidenceOf(callId, undefined, envelopes) };
    }
    case 'done':
    case 'failed':
      return { callId: ran.callId, evidence: ran.evidence };
  }
}

function refusedBy({ callId, denial, evidence }: DeniedCall): ExecEnd {
  return { callId, denial, ...(evidence !== undefined && { evidence }) };
}
