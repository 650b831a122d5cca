import type { Json, JsonObject } from '../../call/json.ts';
import { fromUtf8 } from '../../call/sha256.ts';
import type { Change } from '../../gate/changes.ts';
import { encodeToolPin, serverPinKey, toolPinKey } from '../../gate/pins.ts';
import type { LogEntry } from '../../ledger/ledger.ts';
import { predicateTypes } from '../../names.ts';

/**
 * What a log's own statements say of its state. The rows of a ledger file that hold the same (pins, open permits) are signed by
 * nobody: whoever could change a backup could otherwise have tools accepted that no operator has seen.
 */
export interface LoggedState {
  /** Every entry, in the log's order. */
  see(entry: LogEntry): void;
  /** What a new log states, so that what was accepted stays accepted. */
  carried(from: JsonObject): readonly Change[];
  /** Calls that were allowed and have no outcome, in the log's order. */
  openCalls(): readonly string[];
  readonly servers: number;
  readonly tools: number;
}

interface Server {
  digest: string;
  readonly tools: Map<string, { readonly sha256: string; readonly accepted: boolean }>;
}

/** Tools that one statement carries: verifiers read no statement of more than 1 MiB. */
const toolsAtOnce = 1_000;

export const carriedKind = 'tools-carried';

export function loggedState(): LoggedState {
  const servers = new Map<string, Server>();
  const open = new Set<string>();

  const seeChange = (change: JsonObject): void => {
    const kind = change['kind'];
    if (kind !== 'server-listed' && kind !== 'tools-accepted' && kind !== carriedKind) return;
    const { name, digest } = serverOf(change);
    const known = servers.get(name) ?? { digest, tools: new Map() };
    servers.set(name, known);
    // Nothing that was accepted of another command under this name is inherited.
    if (known.digest !== digest) known.tools.clear();
    known.digest = digest;
    for (const tool of arrayOf(change['tools']).map(objectOf)) {
      const accepted = kind === 'tools-accepted' || (kind === carriedKind && tool['accepted'] === true);
      known.tools.set(textOf(tool['name']), { sha256: digestOf(tool['definition']), accepted });
    }
  };

  return {
    see({ payload }) {
      const { predicateType, predicate } = JSON.parse(fromUtf8(payload) ?? '{}') as {
        predicateType?: string;
        predicate?: JsonObject;
      };
      if (predicateType === predicateTypes.change) seeChange(objectOf(predicate?.['change']));
      const callId = textOf(predicate?.['callId']);
      if (predicateType === predicateTypes.allow || predicateType === predicateTypes.shadow) open.add(callId);
      if (predicateType === predicateTypes.outcome) open.delete(callId);
    },
    carried: (from) => [...servers].flatMap(([name, server]) => carriedOf(name, server, from)),
    openCalls: () => [...open],
    get servers() {
      return servers.size;
    },
    get tools() {
      return [...servers.values()].reduce((sum, { tools }) => sum + tools.size, 0);
    },
  };
}

function carriedOf(name: string, { digest, tools }: Server, from: JsonObject): readonly Change[] {
  const all = [...tools];
  const pages = Math.max(1, Math.ceil(all.length / toolsAtOnce));
  return Array.from({ length: pages }, (_, page) => {
    const part = all.slice(page * toolsAtOnce, (page + 1) * toolsAtOnce);
    return {
      change: {
        kind: carriedKind,
        from,
        server: { name, digest: { sha256: digest } },
        tools: part.map(([tool, { sha256, accepted }]) => ({ name: tool, definition: { sha256 }, accepted })),
      },
      expects: [],
      sets: [
        { key: serverPinKey(name), value: digest },
        ...part.map(([tool, pin]) => ({ key: toolPinKey(name, tool), value: encodeToolPin(pin) })),
      ],
    };
  });
}

function serverOf(change: JsonObject): { readonly name: string; readonly digest: string } {
  const server = objectOf(change['server']);
  return { name: textOf(server['name']), digest: digestOf(server['digest']) };
}

function digestOf(value: Json | undefined): string {
  return textOf(objectOf(value)['sha256']);
}

/** The log's own gates wrote it: what is no text there is nothing of theirs. */
function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

function objectOf(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}

function arrayOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}
