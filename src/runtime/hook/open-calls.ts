import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson } from '../../call/canonical-json.ts';
import { hex, sha256, utf8 } from '../../call/sha256.ts';
import { systemCode } from '../../errors.ts';
import type { DelegatedPermit } from '../../gate/gate.ts';
import type { HookCall } from '../../gateway/hooks/hook-host.ts';

/** A call that was allowed, as one process of a hook leaves it to the next one. */
export interface OpenCall {
  readonly callId: string;
  readonly tool: string;
  readonly permit: DelegatedPermit;
  /** Of what was decided: canonical JSON, SHA-256, hex. */
  readonly argumentsSha256: string;
}

export interface OpenCalls {
  /** Rejects nothing: throws what the file system says, and then the call may not run. */
  keep(call: HookCall, open: OpenCall): void;
  /** The call that this one is, taken by nobody else; the oldest where the host tells two apart by nothing. */
  take(call: HookCall): OpenCall | undefined;
  /** Everything that a session has left open. */
  takeAll(session: string): readonly OpenCall[];
}

/** A call is settled ten minutes after its verdict at the latest: what is older is nobody's any more. */
const keptMs = 3_600_000;

/**
 * Calls that a host is carrying out, one file each under `folder`, for this user alone: the handle in it, together with the API
 * key, settles the call. The name is made of hashes: what a host calls its sessions and calls is no file name.
 */
export function openCallsIn(folder: string, host: string): OpenCalls {
  const sessionOf = (session: string): string => short([host, session]);
  const nameOf = (call: HookCall): string => `${sessionOf(call.session)}.${short(keyOf(host, call))}.`;
  const takeFirst = (prefix: string): OpenCall | undefined => {
    for (const name of namesIn(folder, prefix)) {
      const found = takeFile(join(folder, name));
      if (found) return found;
    }
    return undefined;
  };
  return {
    keep(call, open) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      sweep(folder);
      // A UUIDv7 last: the oldest comes first.
      writeFileSync(join(folder, `${nameOf(call)}${open.callId}.json`), JSON.stringify(open), {
        flag: 'wx',
        mode: 0o600,
      });
    },
    take: (call) => takeFirst(nameOf(call)),
    takeAll(session) {
      const prefix = `${sessionOf(session)}.`;
      return namesIn(folder, prefix).flatMap((name) => takeFile(join(folder, name)) ?? []);
    },
  };
}

/** What a host was allowed, to be compared with what it says that it ran. */
export function argumentsDigest({ arguments: given }: HookCall): string {
  return hex(sha256(utf8(canonicalJson(given))));
}

function keyOf(host: string, call: HookCall): readonly string[] {
  const { session, id, tool } = call;
  return id === undefined ? [host, session, tool, argumentsDigest(call)] : [host, session, id];
}

function short(parts: readonly string[]): string {
  return hex(sha256(utf8(JSON.stringify(parts)))).slice(0, 32);
}

function namesIn(folder: string, prefix: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.startsWith(prefix) && name.endsWith('.json'))
      .sort();
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Of two processes that come for one file, one removes it. */
function takeFile(path: string): OpenCall | undefined {
  try {
    const text = readFileSync(path, 'utf8');
    unlinkSync(path);
    return JSON.parse(text) as OpenCall;
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function sweep(folder: string): void {
  for (const name of namesIn(folder, '')) {
    const path = join(folder, name);
    const modified = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    if (modified !== undefined && modified < Date.now() - keptMs) rmSync(path, { force: true });
  }
}
