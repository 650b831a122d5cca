import { connectGate } from '../../client/connect-gate.ts';
import { evidenceOf } from '../../client/evidence-of.ts';
import type { Delegator } from '../../client/governed.ts';
import type { RunResult } from '../../client/gate-client.ts';
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
import type { HumanTokenSource } from '../login/human-token.ts';
import { decisionOf, type ExecEnd } from './exec-end.ts';
import type { PreparedCommand } from './prepare.ts';

export interface GateElsewhere {
  readonly address: GateAddress;
  readonly apiKey: string | undefined;
  readonly humanToken: HumanTokenSource;
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
  { address, apiKey, humanToken, identity, ca }: GateElsewhere,
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
  const { server, tool, definition, payload } = command;
  const call = { server: server.name, tool, definition, arguments: payload.value, settleWithin };
  let end: CommandEnd | undefined;
  const ran = await gate.run(
    call,
    async (args, lease) => {
      end = await runCommand(commandArgumentsOf(args), hands, lease);
      if (end.kind === 'ended') return end.result;
      const cause = end.kind === 'not-started' ? end.cause : 'its time was over';
      throw new CountersignError('COMMAND_NOT_STARTED', notStartedMessage(cause));
    },
    { ...(await delegatorOf(humanToken)), signal },
  );
  return { callId: ran.callId, ...(end && { end }), ...toldBy(ran) };
}

async function delegatorOf(source: HumanTokenSource): Promise<Delegator> {
  try {
    const humanToken = await source();
    return humanToken === undefined ? {} : { humanToken };
  } catch (error) {
    throw toCountersignError(error, 'LOGIN_FAILED', 'The human’s token cannot be had.');
  }
}

function toldBy(ran: RunResult<CommandResult>): Omit<ExecEnd, 'callId' | 'end'> {
  switch (ran.kind) {
    case 'denied': {
      const { denial, envelopes, evidence } = ran;
      return { denial, ...decisionOf(envelopes), ...(evidence !== undefined && { evidence }) };
    }
    case 'unsettled': {
      const { callId, denial, envelopes } = ran;
      return { decision: 'ALLOW', denial, evidence: evidenceOf(callId, undefined, envelopes) };
    }
    case 'done':
    case 'failed':
      return { decision: 'ALLOW', evidence: ran.evidence };
  }
}
