import type { Writable } from 'node:stream';
import { toCountersignError } from '../../errors.ts';
import { notStartedMessage } from '../../targets/command.ts';
import type { CommandHands } from '../../targets/command-run.ts';
import type { ExecEnd } from './exec-end.ts';
import type { GateElsewhere } from './exec-elsewhere.ts';
import { takeInterrupts, type Interrupts, type Signals } from './interrupts.ts';
import { NoCommandError, prepareCommand, type ExecRequest, type PreparedCommand } from './prepare.ts';
import type { StdinOptions } from './read-stdin.ts';
import { openResultFile, type ResultFile } from './result-file.ts';
import { summaryOf } from './summary.ts';

export interface RunExecOptions {
  readonly request: ExecRequest;
  /** Who decides: a home here, or a gate elsewhere. */
  readonly gate: { readonly home: HomeHere } | { readonly elsewhere: GateElsewhere };
  /** Where the evidence goes, and what came of it for machines; absolute. */
  readonly envelope: string | undefined;
  readonly summary: string | undefined;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: StdinOptions['input'];
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly signals: Signals;
}

export interface HomeHere {
  readonly root: string;
  readonly ledger: string | undefined;
  readonly apiKey: string | undefined;
  readonly policyFiles: readonly string[];
}

/** The gate refused, or failed: as with `env` and `timeout`, whose own failures stand apart from the command's. */
const refusedCode = 125;

/**
 * Has one command decided on, runs it if that was allowed, and resolves to the exit code once its outcome is signed. Rejects with
 * USAGE alone.
 */
export async function runExec(options: RunExecOptions): Promise<number> {
  const { stdout, stderr } = options;
  // Whoever stops reading must not keep the outcome from being signed.
  for (const output of [stdout, stderr]) output.on('error', () => undefined);
  const files = openFiles(options);
  const interrupts = takeInterrupts(options.signals);
  try {
    return await decideAndRun(options, files, interrupts);
  } catch (error) {
    return failed(error, options, interrupts);
  } finally {
    files.envelope?.discard();
    files.summary?.discard();
    interrupts.end();
    await Promise.all([stdout, stderr].map(written));
  }
}

async function decideAndRun(options: RunExecOptions, files: Files, interrupts: Interrupts): Promise<number> {
  const input = { input: options.stdin, stderr: options.stderr, signal: interrupts.signal };
  const command = await prepareCommand(options.request, options, input);
  const ended = await execute(command, options, interrupts);
  const exitCode = exitCodeOf(ended, interrupts);
  if (ended.end?.kind === 'not-started')
    tell(options, 'COMMAND_NOT_STARTED', notStartedMessage(ended.end.cause));
  if (ended.denial) tell(options, ended.denial.code, ended.denial.message, ended.callId);
  if (ended.evidence !== undefined) files.envelope?.write(`${ended.evidence}\n`);
  files.summary?.write(`${JSON.stringify(summaryOf(command, ended, exitCode))}\n`);
  return exitCode;
}

/** Everything has been handed to whoever reads, or nobody does. */
function written(output: Writable): Promise<void> {
  return new Promise((resolve) => {
    if (output.destroyed) resolve();
    else output.write('', () => resolve());
  });
}

interface Files {
  readonly envelope: ResultFile | undefined;
  readonly summary: ResultFile | undefined;
}

function openFiles({ envelope, summary }: RunExecOptions): Files {
  const opened = envelope === undefined ? undefined : openResultFile(envelope);
  try {
    return { envelope: opened, summary: summary === undefined ? undefined : openResultFile(summary) };
  } catch (error) {
    opened?.discard();
    throw error;
  }
}

async function execute(
  command: PreparedCommand,
  { gate, cwd, env, stdout, stderr }: RunExecOptions,
  interrupts: Interrupts,
): Promise<ExecEnd> {
  const hands: CommandHands = {
    secrets: command.secrets,
    stdin: command.stdin,
    stdout,
    stderr,
    onStart: interrupts.forward,
    onLeft: () => {
      stderr.write(
        'countersign: something that the command left running holds its output open; not waiting for it.\n',
      );
    },
  };
  if ('elsewhere' in gate) {
    const { execElsewhere } = await import('./exec-elsewhere.ts');
    return execElsewhere(command, hands, gate.elsewhere, interrupts.signal);
  }
  const { execHere } = await import('./exec-here.ts');
  const { root, ledger, apiKey, policyFiles } = gate.home;
  const governed = { home: root, ledger, apiKey, policyFiles, cwd, env, stderr };
  return execHere(command, hands, governed, interrupts.signal);
}

function exitCodeOf({ end, denial }: ExecEnd, interrupts: Interrupts): number {
  if (end?.kind === 'not-started') return end.cause === 'ENOENT' ? 127 : 126;
  if (denial) return interrupts.exitCode ?? refusedCode;
  return end?.kind === 'ended' ? end.result.exitCode : refusedCode;
}

function failed(error: unknown, options: RunExecOptions, interrupts: Interrupts): number {
  const { code, message } = toCountersignError(error, 'INTERNAL', 'Something failed that should not.');
  if (code === 'USAGE') throw error;
  tell(options, code, message);
  if (error instanceof NoCommandError) return error.exitCode;
  return interrupts.exitCode ?? refusedCode;
}

function tell({ stderr }: RunExecOptions, code: string, message: string, callId?: string): void {
  const call = callId === undefined ? '' : `\ncountersign: call ${callId}`;
  stderr.write(`countersign: ${message} (${code})${call}\n`);
}
