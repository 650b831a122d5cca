import { existsSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { parseArgs } from 'node:util';
import { applyHooks } from '../runtime/hook/install/apply-hooks.ts';
import { hookFiles, type HookScope } from '../runtime/hook/install/hook-files.ts';
import { hookLine } from '../runtime/hook/install/hook-line.ts';
import { planHooks, planNoHooks, type HookPlan } from '../runtime/hook/install/plan-hooks.ts';
import { homePath } from '../runtime/home/home-layout.ts';
import { hookFlags, hookWords, requireHost, type HookValues, type HookWords } from './hook-options.ts';
import { coloured } from './host-report.ts';
import type { Io } from './io.ts';
import { ownProgram } from './own-program.ts';
import { printable } from './printable.ts';
import { usage } from './report.ts';

const flags = {
  'dry-run': { type: 'boolean', default: false },
  user: { type: 'boolean', default: false },
  project: { type: 'boolean', default: false },
} as const;

/** Writes a hook into a coding agent's configuration, or takes it out; shows what changes. */
export async function installCommand(
  name: 'install' | 'uninstall',
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: name === 'install' ? { ...hookFlags, ...flags } : { ...flags },
  });
  const [hostName, ...others] = positionals;
  const host = requireHost(hostName);
  if (others.length > 0) throw usage(`hook ${name} takes one host.`);
  if (values.user && values.project) throw usage('Say --user or --project, not both.');
  const scope: HookScope = values.project ? 'project' : 'user';
  const where = { home: io.env['HOME'] || homedir(), project: io.cwd, env: io.env };
  const options = { host: host.name, where, scope };
  const isDryRun = values['dry-run'];
  if (name === 'uninstall') return carryOut(planNoHooks(options), isDryRun, [], io);

  const given = values as HookValues;
  const program = programFor(scope, io);
  const line = hookLine(
    { program, host: host.name, options: optionsOf(hookWords(host, given, io), given, scope, io) },
    process.platform,
  );
  return carryOut(planHooks(line, options), isDryRun, nextSteps(host.name, program, scope), io);
}

function carryOut(plans: readonly HookPlan[], isDryRun: boolean, next: readonly string[], io: Io): number {
  const { stdout } = io;
  const changing = plans.filter(({ edit, isGone }) => isGone || edit.isNew || edit.before !== edit.after);
  for (const { edit, isGone } of changing)
    stdout.write(isGone ? `removed: ${printable(edit.path)}\n` : coloured(edit.diff, io));
  if (changing.length === 0) stdout.write('Nothing is to be changed.\n');
  else if (isDryRun) stdout.write('Nothing was changed.\n');
  if (isDryRun) return 0;
  for (const plan of changing) {
    const { backup } = applyHooks(plan);
    if (backup !== undefined) stdout.write(`${printable(plan.edit.path)} as it was: ${printable(backup)}\n`);
  }
  for (const sentence of next) stdout.write(`${sentence}\n`);
  return 0;
}

/** As they were given, with paths made absolute: the host starts the hook in folders of its own. */
function optionsOf(
  words: HookWords,
  values: HookValues,
  scope: HookScope,
  { env, cwd }: Io,
): readonly string[] {
  const { gate, identity, ca, envelopes } = words;
  const address = gate?.socketPath === undefined ? gate?.shown : `unix:${gate.socketPath}`;
  // A host with a window hands on no variable that was set in a shell; a project's file is read by others, who have other homes.
  const chosen =
    values.home ?? (scope === 'user' && gate === undefined ? env['COUNTERSIGN_HOME'] : undefined);
  const home = chosen ? homePath(chosen, env, cwd) : undefined;
  const texts = { gate: address, identity, ca, home, envelopes, timeout: values.timeout };
  return [
    ...Object.entries(texts).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value])),
    ...(values.approve ? ['--approve'] : []),
  ];
}

/**
 * A user's own configuration names Node and this program by their paths: a host with a window knows no PATH, another one may find
 * something else by the name. A project's is read by others, who have them elsewhere.
 */
function programFor(scope: HookScope, io: Io): readonly string[] {
  const script = ownProgram('install the package first (npm install -g countersign)');
  return scope === 'project' && isOnPath(script, io) ? ['countersign'] : [process.execPath, script];
}

function isOnPath(script: string, { env }: Io): boolean {
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const first = folders.map((folder) => join(folder, 'countersign')).find((path) => existsSync(path));
  return first !== undefined && realpathSync(first) === script;
}

function nextSteps(host: string, program: readonly string[], scope: HookScope): readonly string[] {
  return [
    ...(scope === 'project' && program.length > 1
      ? [
          '“countersign” is not on the PATH here: the hook names this machine’s paths, which others do not have.',
        ]
      : []),
    ...(hookFiles[host]?.next ?? []),
    `COUNTERSIGN_API_KEY has to be in the environment that ${host} is started in; without it every tool is denied.`,
    'What is decided is shown by: countersign log tail',
  ];
}
