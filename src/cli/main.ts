#!/usr/bin/env node
// Only what every Node can load is imported here: an old one must get a sentence, not a stack trace.
import type { Command, Io } from './io.ts';

const oldest = 24;

/** Each command loads on its own, so that none pays for the others at start. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  init: async () => (await import('./init.ts')).initCommand,
  wrap: async () => (await import('./wrap.ts')).wrapCommand,
  exec: async () => (await import('./exec.ts')).execCommand,
  install: async () => (await import('./install.ts')).installCommand,
  uninstall: async () => (await import('./uninstall.ts')).uninstallCommand,
  hook: async () => (await import('./hook.ts')).hookCommand,
  login: async () => (await import('./login.ts')).loginCommand,
  logout: async () => (await import('./logout.ts')).logoutCommand,
  tools: async () => (await import('./tools.ts')).toolsCommand,
  serve: async () => (await import('./serve.ts')).serveCommand,
  config: async () => (await import('./config.ts')).configCommand,
  doctor: async () => (await import('./doctor.ts')).doctorCommand,
  verify: async () => (await import('./verify.ts')).verifyCommand,
  trust: async () => (await import('./trust.ts')).trustCommand,
  key: async () => (await import('./key.ts')).keyCommand,
  revoke: async () => (await import('./revoke.ts')).revokeCommand,
  enroll: async () => (await import('./enroll.ts')).enrollCommand,
  keys: async () => (await import('./keys.ts')).keysCommand,
  log: async () => (await import('./log.ts')).logCommand,
  witness: async () => (await import('./witness.ts')).witnessCommand,
  worker: async () => (await import('./worker.ts')).workerCommand,
  audit: async () => (await import('./audit.ts')).auditCommand,
  disclose: async () => (await import('./disclose.ts')).discloseCommand,
  erase: async () => (await import('./erase.ts')).eraseCommand,
};

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
    const asked = about === undefined ? undefined : loaderOf(about);
    if (about !== undefined && !asked) return unknownCommand(about, io);
    io.stdout.write(asked ? (await asked()).help : await overview());
    return name === undefined ? 2 : 0;
  }
  if (name === '--version' || name === '-V') {
    io.stdout.write(`${await version()}\n`);
    return 0;
  }
  const load = loaderOf(name);
  if (!load) return unknownCommand(name, io);
  const command = await load();
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

function loaderOf(name: string): (() => Promise<Command>) | undefined {
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

async function overview(): Promise<string> {
  const list = await Promise.all(Object.values(commands).map((load) => load()));
  const rows = list.map(({ name, summary }) => `  ${name.padEnd(10)}${summary}`);
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
