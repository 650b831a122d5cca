import type { Call, ServerRef, ToolStanding } from '../call/call.ts';
import { CountersignError } from '../errors.ts';
import type { HeadExpectation, Ledger } from '../ledger/ledger.ts';
import { serverItself } from './acceptance.ts';
import type { RecordChange } from './changes.ts';
import type { ToolDirectory } from './gate.ts';
import type { ListedTool, Listing } from './listing.ts';
import { encodeToolPin, parseToolPin, serverPinKey, toolPinKey, toolPinPrefix } from './pins.ts';

/** Names that stand for protocol methods: a tool that a server lists under one of them could borrow its rules. */
const methodName = /^(resources|prompts|completion|subscriptions):/;

const pinAttempts = 5;

export interface ToolDirectoryOptions {
  readonly server: ServerRef;
  /** The resolved command line or URL, kept so that an operator can see what a name stands for. */
  readonly command: Uint8Array;
  readonly listing: Listing;
  readonly ledger: Ledger;
  readonly recordChange: RecordChange;
  /** Whether the server is asked in the name of people. */
  readonly needsHuman?: boolean;
}

type Tools = ReadonlyMap<string, ListedTool>;
type Heads = ReadonlyMap<string, string>;

/** Of a server that lists no tools, or cannot say: each of its tools is unknown. */
const noTools: Tools = new Map();

/** What one server's tools are known as: its listing held against the pins in the ledger. */
export function createToolDirectory(options: ToolDirectoryOptions): ToolDirectory {
  const { server, listing, needsHuman = false } = options;
  let pinned: { readonly tools: Tools; readonly heads: Promise<Heads> } | undefined;

  /** The pins, after every tool of this listing that had none got its first one. */
  const headsFor = (tools: Tools): Promise<Heads> => {
    if (pinned?.tools !== tools) {
      const heads = pinNewTools(options, tools);
      pinned = { tools, heads };
      heads.catch(() => {
        pinned = undefined;
      });
    }
    return pinned.heads;
  };

  return {
    async standing(call) {
      const tools = await listing.tools().catch(() => noTools);
      const heads = await headsFor(tools);
      if (call.kind === 'tool') return { ...standingOfTool(server, call, tools, heads), needsHuman };
      const serverHead = expectation(heads, serverPinKey(server.name));
      const standing = changedServer(server, serverHead) ?? {
        kind: 'method' as const,
        listed: await listing.lists(call.tool, call.arguments).catch(() => false),
      };
      return { standing, expects: [serverHead], needsHuman };
    },
    async meet() {
      await headsFor(await listing.tools());
    },
    refresh() {
      pinned = undefined;
    },
  };
}

function standingOfTool(server: ServerRef, call: Call, tools: Tools, heads: Heads) {
  const serverHead = expectation(heads, serverPinKey(server.name));
  const changed = changedServer(server, serverHead);
  const tool = tools.get(call.tool);
  if (changed || !tool || methodName.test(call.tool)) {
    return { standing: changed ?? ({ kind: 'unknown' } as const), expects: [serverHead] };
  }
  const toolHead = expectation(heads, toolPinKey(server.name, call.tool));
  return { standing: standingOfListed(tool, toolHead.value), expects: [serverHead, toolHead] };
}

function changedServer(server: ServerRef, { value }: HeadExpectation): ToolStanding | undefined {
  return value === null || value === server.digest ? undefined : { kind: 'server-changed', pinned: value };
}

function standingOfListed(tool: ListedTool, head: string | null): ToolStanding {
  if (head === null) return { kind: 'unknown' };
  const pin = parseToolPin(head);
  if (pin.sha256 !== tool.sha256) return { kind: 'changed', pinned: pin.sha256, listed: tool.sha256 };
  const { sha256, annotations, declaredProperties } = tool;
  return {
    kind: 'listed',
    definition: {
      sha256,
      accepted: pin.accepted,
      declaredProperties,
      ...(annotations && pin.accepted ? { annotations } : {}),
    },
  };
}

function expectation(heads: Heads, key: string): HeadExpectation {
  return { key, value: heads.get(key) ?? null };
}

/**
 * The first pin of a server and of each of its tools is one compare-and-swap in the log, so that of two gates that
 * meet a server at once only one decides what it is known as.
 */
async function pinNewTools(options: ToolDirectoryOptions, tools: Tools): Promise<Heads> {
  const { server, ledger, recordChange } = options;
  await rememberDefinitions(options, tools);
  for (let attempt = 1; ; attempt += 1) {
    const heads = await readPins(ledger, server.name);
    const pinnedServer = heads.get(serverPinKey(server.name));
    if (pinnedServer !== undefined && pinnedServer !== server.digest) return heads;
    const fresh = [...tools].filter(([name]) => !heads.has(toolPinKey(server.name, name)));
    if (pinnedServer !== undefined && fresh.length === 0) return heads;
    const keys = [serverPinKey(server.name), ...fresh.map(([name]) => toolPinKey(server.name, name))];
    try {
      await recordChange({
        change: {
          kind: 'server-listed',
          server: { name: server.name, digest: { sha256: server.digest } },
          tools: fresh.map(([name, { sha256 }]) => ({ name, definition: { sha256 } })),
        },
        expects: keys.map((key) => expectation(heads, key)),
        sets: [
          { key: serverPinKey(server.name), value: server.digest },
          ...fresh.map(([name, { sha256 }]) => ({
            key: toolPinKey(server.name, name),
            value: encodeToolPin({ sha256, accepted: false }),
          })),
        ],
      });
    } catch (error) {
      const lostRace = error instanceof CountersignError && error.code === 'LEDGER_CONFLICT';
      if (!lostRace || attempt === pinAttempts) throw error;
    }
  }
}

async function readPins(ledger: Ledger, server: string): Promise<Heads> {
  const [toolPins, serverPin] = await Promise.all([
    ledger.headsUnder(toolPinPrefix(server)),
    ledger.heads([serverPinKey(server)]),
  ]);
  return new Map([...toolPins, ...serverPin]);
}

/** Keeps each definition's text once, so that an operator can read what they accept. */
async function rememberDefinitions(
  { server, command, ledger }: ToolDirectoryOptions,
  tools: Tools,
): Promise<void> {
  const newest = new Map<string, string>();
  for (const record of await ledger.tools(server.name)) {
    newest.set(record.tool, `${record.serverDigest} ${record.sha256}`);
  }
  const seen = new Map([...tools].map(([name, { sha256, raw }]) => [name, { sha256, raw }]));
  seen.set(serverItself, { sha256: server.digest, raw: command });
  const unseen = [...seen].filter(([name, { sha256 }]) => newest.get(name) !== `${server.digest} ${sha256}`);
  if (unseen.length === 0) return;
  await ledger.rememberTools(
    unseen.map(([tool, { sha256, raw }]) => ({
      server: server.name,
      serverDigest: server.digest,
      tool,
      sha256,
      definition: raw,
    })),
  );
}
