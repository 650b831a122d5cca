#!/usr/bin/env node
// Only what every Node can load is imported here: an old one must get a sentence, not a stack trace.
import { commands, type Listed } from './commands.ts';
import type { Io } from './io.ts';

const oldest = 24;

async function main(args: readonly string[], io: Io): Promise<number> {
  if (Number(process.versions.node.split('.')[0]) < oldest) {
    io.stderr.write(
      `countersign needs Node ${oldest} or newer, and this is ${process.versions.node}.\n` +
        'Install a current Node, or run it through the npm package "node": npx -p node@24 -c "countersign …".\n',
    );
    return 2;
  }
  const [name, ...rest] = args;
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    const [about] = rest;
    const asked = about === undefined ? undefined : listed(about);
    if (about !== undefined && !asked) return unknownCommand(about, io);
    io.stdout.write(asked ? (await asked.load()).help : overview());
    return name === undefined ? 2 : 0;
  }
  if (name === '--version' || name === '-V') {
    io.stdout.write(`${await version()}\n`);
    return 0;
  }
  const known = listed(name);
  if (!known) return unknownCommand(name, io);
  const command = await known.load();
  if (wantsHelp(rest)) {
    io.stdout.write(command.help);
    return 0;
  }
  // What relays a conversation sees to the end of it by itself.
  if (!command.endsAtOnce) process.stdout.on('error', readerGone);
  const code = await command.run(rest, io);
  if (command.endsAtOnce) process.exit(code);
  return code;
}

/** Whoever reads our output may stop, as `head` does. What was not written cannot have said “verified”: never 0. */
function readerGone(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit(128 + sigpipe);
}

const sigpipe = 13;

function listed(name: string): Listed | undefined {
  return Object.hasOwn(commands, name) ? commands[name] : undefined;
}

function unknownCommand(name: string, { stderr }: Io): number {
  stderr.write(`countersign: there is no command “${name}”. Try: countersign help\n`);
  return 2;
}

/** `--help` counts before a `--`: after it, it belongs to the wrapped command. */
function wantsHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return (end < 0 ? args : args.slice(0, end)).some((arg) => arg === '--help' || arg === '-h');
}

function overview(): string {
  const rows = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`);
  return [
    'countersign: no tool call without a verdict, no verdict without proof',
    '',
    'Usage: countersign COMMAND [OPTION…]',
    '',
    ...rows,
    '',
    'countersign help COMMAND tells more.',
    '',
  ].join('\n');
}

async function version(): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

const io: Io = {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
};

try {
  process.exitCode = await main(process.argv.slice(2), io);
} catch (error) {
  const { report } = await import('./report.ts');
  const code = report(error, io);
  // To a coding agent 1 is a hook that is broken, and most go on then.
  process.exitCode = process.argv[2] === 'hook' ? 2 : code;
}
