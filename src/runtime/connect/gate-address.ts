import { lstatSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { CountersignError, systemCode, toCountersignError } from '../../errors.ts';
import { effectiveUser, whoElseMayReplace } from '../file-guard.ts';

/** Where a gate is. */
export interface GateAddress {
  /** As it was given: for messages. */
  readonly shown: string;
  /** Its root, without a slash at the end: `https://gate.example`, or `http://localhost` over a socket. */
  readonly base: string;
  /** Absolute. */
  readonly socketPath?: string;
}

const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/**
 * Reads `unix:PATH`, `https://…` or, on this machine, `http://…`. Everything else would carry an API key in the clear. Throws
 * USAGE.
 */
export function parseGateAddress(text: string, cwd: string): GateAddress {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length).replace(/^\/\/(?=\/)/, '');
    if (path === '') throw misuse('“unix:” needs the path of a socket after it.');
    return { shown: text, base: 'http://localhost', socketPath: resolve(cwd, path) };
  }
  const url = URL.parse(text);
  if (url === null || !['https:', 'http:'].includes(url.protocol))
    throw misuse('Say where the gate is: unix:PATH, https://… or http://127.0.0.1:….');
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw misuse('The address of a gate has no user, no “?” and no “#”.');
  if (url.protocol === 'http:' && !loopback.test(url.hostname))
    throw misuse('Over http the API key would travel in the clear: use https, or a gate on this machine.');
  return { shown: text, base: url.href.replace(/\/+$/, '') };
}

/** The MCP endpoint of one server, or of all of them joined. */
export function mcpEndpoint({ base }: GateAddress, server: string | undefined): string {
  return server === undefined ? `${base}/mcp` : `${base}/mcp/${encodeURIComponent(server)}`;
}

/**
 * Throws GATE_UNREACHABLE unless what is at the socket's path was put there by somebody who may: whoever can make a socket there in
 * the gate's absence would be sent the API key, and would be believed.
 */
export function assertGuardedSocket(path: string): void {
  let stranger: string | undefined;
  try {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) throw unreachable(`there is no socket at ${path}: the gate is not running.`);
    if (!found.isSocket()) throw unreachable(`${path} is no socket.`);
    const user = effectiveUser();
    stranger = whoElseMayReplace(dirname(path), user === undefined ? [found.uid] : [found.uid, user]);
  } catch (error) {
    const code = systemCode(error);
    throw toCountersignError(
      error,
      'GATE_UNREACHABLE',
      `This user cannot get to ${path} (${code}); nothing ran.`,
    );
  }
  if (stranger !== undefined) throw unreachable(`anybody could answer at ${path}: ${stranger}`);
}

function unreachable(why: string): CountersignError {
  return new CountersignError('GATE_UNREACHABLE', `The gate cannot be reached; nothing ran: ${why}`);
}

function misuse(message: string): CountersignError {
  return new CountersignError('USAGE', message);
}
