import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readAtMost } from '../call/read-at-most.ts';
import { CountersignError } from '../errors.ts';
import { environmentGrant } from '../runtime/grants/grant-environment.ts';
import { homePath } from '../runtime/home/home-layout.ts';
import { evidenceFilesIn } from '../runtime/hook/evidence-files.ts';
import { failClosed, say, type FailClosed } from '../runtime/hook/fail-closed.ts';
import { connectHookGate } from '../runtime/hook/hook-gate.ts';
import { openCallsIn } from '../runtime/hook/open-calls.ts';
import { knownHosts, type HookAnswer } from '../runtime/hook/known-hosts.ts';
import { noPrompts, promptsIn } from '../runtime/hook/prompts.ts';
import { runHook } from '../runtime/hook/run-hook.ts';
import { humanTokenFrom } from './acting-options.ts';
import { readAuthorities } from './gate-options.ts';
import { hookFlags, hookWords, requireHost } from './hook-options.ts';
import type { Io } from './io.ts';
import { usage } from './report.ts';

/** Results of tools come along: what is decided on is held to the gate's own, smaller limit. */
const maxInputBytes = 32 << 20;

/** One event of a coding agent, from standard input to the exit code. */
export async function runHookCommand(args: readonly string[], io: Io): Promise<number> {
  // Known before anything is read that could be wrong: a host may take no exit code for a no.
  const host = args.map((word) => knownHosts.get(word)).find((known) => known !== undefined);
  const guard = failClosed(host);
  try {
    return say(await answer(args, guard, io));
  } catch (error) {
    return say(guard.failed(error));
  }
}

async function answer(args: readonly string[], guard: FailClosed, io: Io): Promise<HookAnswer> {
  const { values, positionals } = parsed(args);
  const [name, ...others] = positionals;
  const host = requireHost(name);
  if (others.length > 0) throw usage(`hook ${host.name} takes no “${others.join(' ')}”.`);
  const words = hookWords(host, values, io);
  guard.within(words.timeout);
  const home = homePath(values.home, io.env, io.cwd);
  const folder = words.gate ? stateFolder(io) : join(home, 'hooks');
  const gateOptions = {
    ...words,
    home,
    env: io.env,
    apiKey: io.env['COUNTERSIGN_API_KEY'],
    program: [process.execPath, ...process.execArgv, process.argv[1] ?? ''],
    signal: guard.signal,
  };
  return runHook(await readInput(io), {
    host,
    approve: values.approve,
    // Read only for what asks a gate: a prompt goes on also where it is gone.
    connect: async (start) => connectHookGate({ ...gateOptions, ca: readAuthorities(words.ca) }, start),
    humanToken: humanTokenFrom(io, home),
    grant: environmentGrant(io.env),
    open: openCallsIn(folder, host.name),
    // Without a home there is no gate to ask, and none is begun here.
    prompts: words.gate || existsSync(home) ? promptsIn(folder, host.name) : noPrompts,
    evidence: evidenceFilesIn(words.envelopes),
    signal: guard.signal,
    onEvent: guard.onEvent,
  });
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: hookFlags });
  } catch (error) {
    throw usage(error instanceof Error ? error.message : 'These are no options of a hook.');
  }
}

async function readInput({ stdin }: Io): Promise<Uint8Array> {
  if ('isTTY' in stdin && stdin.isTTY)
    throw usage('A coding agent starts this, and says on standard input what it is about to do.');
  const input = await readAtMost(stdin as AsyncIterable<Uint8Array>, maxInputBytes);
  if (input === undefined)
    throw new CountersignError('TOO_LARGE', `What the host says is longer than ${maxInputBytes >> 20} MiB.`);
  return input;
}

/** Of a user who has a gate elsewhere, and no home. */
function stateFolder({ env }: Io): string {
  const state = env['XDG_STATE_HOME'] || join(env['HOME'] || homedir(), '.local', 'state');
  return join(state, 'countersign', 'hooks');
}
