import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, extname, isAbsolute, join, resolve } from 'node:path';
import { canonicalJson } from '../call/canonical-json.ts';
import type { ServerRef } from '../call/call.ts';
import { hex, sha256, utf8 } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import { findCommand, isPath } from './find-command.ts';

/** A command line as it was given, and what it comes to on this machine. */
export interface ServerCommand {
  readonly command: string;
  readonly args: readonly string[];
}

export interface ResolvedServer {
  readonly ref: ServerRef;
  /** The executable's real path and its arguments, with file names made absolute: what an operator is shown. */
  readonly resolved: ServerCommand;
}

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/**
 * Resolves a command line to the server that it is. The digest covers the executable's real path and the arguments,
 * with those that name files made absolute, so that the same words in another folder are another server.
 */
export function resolveServer(
  name: string,
  { command, args }: ServerCommand,
  where: { readonly cwd: string; readonly path: string | undefined },
): ResolvedServer {
  assertServerName(name);
  const resolved = {
    command: locate(command, where),
    args: args.map((arg) => absoluteIfFile(arg, where.cwd)),
  };
  const digest = hex(sha256(utf8(canonicalJson({ command: resolved.command, args: resolved.args }))));
  return { ref: { name, digest }, resolved };
}

export function assertServerName(name: string): void {
  if (!namePattern.test(name)) {
    throw new CountersignError(
      'CONFIG_INVALID',
      `“${name}” cannot name a server: use letters, digits, dots, dashes and underscores, at most 64, a letter or digit first.`,
    );
  }
}

/** A name for a server that was given none: that of its last argument or executable which reads like one. */
export function defaultServerName({ command, args }: ServerCommand): string {
  const packageLike = args.find((arg) => /^@?[a-z0-9][\w.-]*(\/[\w.-]+)?(@[\w.^~-]+)?$/i.test(arg));
  const source = basename((packageLike ?? command).replace(/(?<=.)@[^/]*$/, ''));
  const name = source.slice(0, source.length - extname(source).length).replace(/[^A-Za-z0-9._-]/g, '-');
  return namePattern.test(name) ? name : 'server';
}

/** What is written as a path is one before its file exists too: many servers make their database at the first start. */
const isRelativePath = /^\.{1,2}(?:[\\/]|$)/;

function absoluteIfFile(arg: string, cwd: string): string {
  if (arg === '' || arg.startsWith('-')) return arg;
  const path = resolve(cwd, arg);
  return isAbsolute(arg) || isRelativePath.test(arg) || existsSync(path) ? realPath(path) : arg;
}

/** The real path of what exists of it, and the rest as it is. */
function realPath(path: string): string {
  const parent = dirname(path);
  return existsSync(path) || parent === path ? realpathSync(path) : join(realPath(parent), basename(path));
}

/** What is not there, or cannot be executed, still names the server: starting it says what is wrong. */
function locate(command: string, where: { readonly cwd: string; readonly path: string | undefined }): string {
  const found = findCommand(command, where);
  if ('path' in found) return found.path;
  if (!isPath(command)) return command;
  const path = resolve(where.cwd, command);
  return existsSync(path) ? realpathSync(path) : path;
}
