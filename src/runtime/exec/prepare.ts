import { realpathSync } from 'node:fs';
import type { ServerRef } from '../../call/call.ts';
import { canonicalJson } from '../../call/canonical-json.ts';
import type { JsonObject } from '../../call/json.ts';
import { hex, sha256, utf8 } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import {
  commandDefinition,
  payloadOf,
  shellName,
  type CommandArguments,
  type CommandPayload,
} from '../../targets/command-arguments.ts';
import { findCommand } from '../find-command.ts';
import { assertServerName, defaultServerName } from '../server-ref.ts';
import { commandEnvironment, type EnvironmentWishes } from './environment.ts';
import { readStdin, type StdinOptions } from './read-stdin.ts';

export interface ExecRequest extends EnvironmentWishes {
  /** What policy and log call the command; its base name unless told. */
  readonly as: string | undefined;
  /** Whether the first word is a script for a shell. */
  readonly shell: boolean;
  /** The command or the script, and its arguments; never empty. */
  readonly words: readonly string[];
  readonly stdin: StdinOptions['mode'];
}

/** One command, as it will be decided on and run. */
export interface PreparedCommand {
  readonly server: ServerRef;
  readonly tool: 'exec' | 'shell';
  readonly definition: JsonObject;
  readonly given: CommandArguments;
  readonly payload: CommandPayload;
  /** What `server.digest` is of. */
  readonly identity: string;
  /** What the payload holds only digests of. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly stdin: Uint8Array;
}

/** There is no such command, or it cannot be executed: nothing was asked of anybody. */
export class NoCommandError extends CountersignError {
  readonly exitCode: 126 | 127;

  constructor(exitCode: 126 | 127, message: string) {
    super('COMMAND_NOT_STARTED', message);
    this.exitCode = exitCode;
  }
}

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

const shellPath = '/bin/sh';

/** Settles everything that the command depends on, once. Throws USAGE, ARGUMENTS_AMBIGUOUS, NoCommandError and as `readStdin` does. */
export async function prepareCommand(
  request: ExecRequest,
  here: Surroundings,
  standardInput: Omit<StdinOptions, 'mode'>,
): Promise<PreparedCommand> {
  const { shell, words } = request;
  if (words.some((word) => word.includes('\0'))) throw misuse('No word of a command can have a NUL.');
  const [first = '', ...rest] = words;
  if (shell && process.platform === 'win32')
    throw misuse('--shell needs a POSIX shell, which Windows has not.');
  const name = request.as ?? (shell ? shellName : defaultServerName({ command: first, args: [] }));
  if (request.as !== undefined) assertServerName(request.as);

  const cwd = realpathSync(here.cwd);
  const { env, secrets, values } = commandEnvironment(here.env, request);
  const executable = locate(shell ? shellPath : first, { cwd, path: env['PATH'] });
  const { stdin, bytes } = await readStdin({ ...standardInput, mode: request.stdin });
  const around = { cwd, env, secrets, stdin };
  const given: CommandArguments = shell
    ? { shell: executable, script: first, args: rest, ...around }
    : { command: executable, argv: words, ...around };
  const identity = canonicalJson({ kind: 'command', command: executable });
  return {
    server: { name, digest: hex(sha256(utf8(identity))) },
    tool: shell ? 'shell' : 'exec',
    definition: commandDefinition(given),
    given,
    payload: payloadOf(given),
    identity,
    secrets: values,
    stdin: bytes,
  };
}

function locate(command: string, where: { readonly cwd: string; readonly path: string | undefined }): string {
  if (command === '') throw misuse('The command has no name.');
  const found = findCommand(command, where);
  if ('path' in found) return found.path;
  const why = found.exitCode === 127 ? 'is not there' : 'cannot be executed';
  throw new NoCommandError(found.exitCode, `${command} ${why}; nothing ran.`);
}

function misuse(message: string): CountersignError {
  return new CountersignError('USAGE', message);
}
