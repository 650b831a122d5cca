import type { Call } from '../../call/call.ts';
import { canonicalJson } from '../../call/canonical-json.ts';
import type { JsonObject } from '../../call/json.ts';
import { utf8 } from '../../call/sha256.ts';
import { uuidv7 } from '../../call/uuid.ts';
import { evidenceOf, evidenceOfDenial } from '../../client/evidence-of.ts';
import { listedTool } from '../../gate/caller-request.ts';
import { denialOfExecution } from '../../gate/denials.ts';
import type { CallResult } from '../../gate/gate.ts';
import { CountersignError } from '../../errors.ts';
import { createToolDirectory } from '../../gate/tool-directory.ts';
import {
  commandArgumentsOf,
  payloadOf,
  type CommandArguments,
  type CommandPayload,
} from '../../targets/command-arguments.ts';
import { createCommandTarget } from '../../targets/command.ts';
import type { CommandEnd, CommandHands } from '../../targets/command-run.ts';
import type { GovernByOptions } from '../home/govern-by.ts';
import { openGates, type OpenedGates } from '../home/open-gates.ts';
import { decisionOf, type ExecEnd } from './exec-end.ts';
import type { PreparedCommand } from './prepare.ts';

/** Decides, runs and settles a command with a gate in this process. Rejects as `openGates` does, with nothing run. */
export async function execHere(
  command: PreparedCommand,
  hands: CommandHands,
  options: Omit<GovernByOptions, 'name'>,
  signal: AbortSignal,
): Promise<ExecEnd> {
  const opened = await openGates({ ...options, name: command.server.name });
  try {
    return await execUnder(opened, command, hands, signal);
  } finally {
    await opened.close();
  }
}

async function execUnder(
  { gates, ledger, recordChange, credentials }: OpenedGates,
  { server, tool, definition, identity, given, payload }: PreparedCommand,
  hands: CommandHands,
  signal: AbortSignal,
): Promise<ExecEnd> {
  const tools = new Map([[tool, listedTool(definition)]]);
  const listing = { tools: () => Promise.resolve(tools), lists: () => Promise.resolve(false) };
  const directory = createToolDirectory({ server, command: utf8(identity), listing, ledger, recordChange });
  const id = uuidv7(Date.now());
  const call: Call = {
    ...{ id, server, kind: 'tool', tool, era: 'modern' },
    ...carriedBy(payload),
    withArguments: (args) => changedCommand(given, args),
    // Its output is passed on as it comes; what is answered in the end holds digests of it alone.
    isLive: true,
  };
  let end: CommandEnd | undefined;
  const target = createCommandTarget({ ...hands, onEnd: (came) => (end = came) });
  const gate = gates.under(directory);
  try {
    const result = await gate.run(call, await credentials(), target, signal);
    return { callId: id, ...(end && { end }), ...toldBy(id, result) };
  } finally {
    await gate.close();
  }
}

function carriedBy({ bytes, value }: CommandPayload): Pick<Call, 'params' | 'arguments' | 'payload'> {
  return { params: bytes, arguments: value, payload: bytes };
}

/**
 * The command with other words, folder or variables. Undefined for what is no command, and where another program would run, or where
 * it would get another input or other secrets than those that are at hand.
 */
function changedCommand(given: CommandArguments, args: JsonObject): ReturnType<typeof carriedBy> | undefined {
  try {
    const changed = commandArgumentsOf(args);
    return fixedOf(changed) === fixedOf(given) ? carriedBy(payloadOf(changed)) : undefined;
  } catch (error) {
    if (error instanceof CountersignError) return undefined;
    throw error;
  }
}

function fixedOf(given: CommandArguments): string {
  const program = 'script' in given ? { shell: given.shell } : { command: given.command };
  const { stdin, secrets } = given;
  return canonicalJson({ ...program, stdin: { ...stdin }, secrets: { ...secrets } });
}

/** The result as evidence, and as what a caller of a gate elsewhere is told. */
function toldBy(callId: string, result: CallResult): Omit<ExecEnd, 'callId' | 'end'> {
  if (result.kind === 'denied') {
    const { denial, envelopes } = result;
    const evidence = evidenceOfDenial(callId, denial, envelopes);
    return { denial, ...decisionOf(envelopes), ...(evidence !== undefined && { evidence }) };
  }
  const { envelopes } = result;
  if (result.kind === 'unrecorded')
    return { decision: 'ALLOW', denial: result.denial, evidence: evidenceOf(callId, undefined, envelopes) };
  const { execution } = result;
  if (execution.kind === 'none') {
    const denial = denialOfExecution(execution);
    return { decision: 'ALLOW', denial, evidence: evidenceOf(callId, undefined, envelopes) };
  }
  const told =
    execution.kind === 'result'
      ? ({ name: 'result', bytes: execution.result } as const)
      : ({ name: 'error', bytes: execution.error } as const);
  return { decision: 'ALLOW', evidence: evidenceOf(callId, told, envelopes) };
}
