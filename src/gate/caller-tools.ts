import type { ServerRef, ToolStanding } from '../call/call.ts';
import { canonicalJson } from '../call/canonical-json.ts';
import type { JsonObject } from '../call/json.ts';
import { fromUtf8, hex, sha256, utf8 } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import type { HeadExpectation, Ledger } from '../ledger/ledger.ts';
import { serverItself } from './acceptance.ts';
import { listedTool } from './caller-request.ts';
import type { RecordChange } from './changes.ts';
import type { ToolDirectory } from './gate.ts';
import type { ListedTool } from './listing.ts';
import { serverPinKey } from './pins.ts';
import { createToolDirectory } from './tool-directory.ts';

type Tools = ReadonlyMap<string, ListedTool>;

/** What callers declare of their own tools, under the names that they call themselves by. */
export interface CallerTools {
  /**
   * The application that an agent speaks for, and what its tools are known as once these are declared too. The same name of
   * another agent is another application: its pins deny it. TOO_LARGE for more than is kept of one agent.
   */
  of(agent: string, name: string, declared: Tools): Promise<CallerApplication>;
  /** The same for somebody who may nothing: none of its tools is known, and none becomes known. */
  unmet(agent: string, name: string): CallerApplication;
}

export interface CallerApplication {
  readonly server: ServerRef;
  readonly directory: ToolDirectory;
}

export interface CallerToolsOptions {
  readonly ledger: Ledger;
  readonly recordChange: RecordChange;
  /** Names that stand for something of the gateway's own: no caller may speak under them. */
  readonly isReserved?: (name: string) => boolean;
}

interface Known extends CallerApplication {
  readonly tools: Tools;
}

/** Of one agent: each name and each tool is pinned in the log for good, so that nobody may fill it with them. */
const maxNames = 64;
const maxTools = 1_024;
const maxDefinitionBytes = 1 << 20;

export function createCallerTools(options: CallerToolsOptions): CallerTools {
  const { isReserved = () => false } = options;
  const agents = new Map<string, Map<string, Known>>();
  return {
    async of(agent, name, declared) {
      const server = serverOf(agent, name);
      if (isReserved(name)) return { server, directory: belongsToAnother };
      const known = agents.get(agent) ?? new Map<string, Known>();
      agents.set(agent, known);
      const another = known.has(name) ? undefined : await ownedByAnother(options.ledger, server);
      if (another) return { server, directory: another };
      const recalled = known.has(name) ? undefined : await declaredBefore(options.ledger, server);
      const before = known.get(name);
      if (before && saysNothingNew(before.tools, declared)) return before;
      const tools = new Map([...(before?.tools ?? recalled ?? []), ...declared]);
      requireBounded(before ? known.size : known.size + 1, tools);
      const application = { ...applicationOf(options, agent, name, tools), tools };
      known.set(name, application);
      return application;
    },
    unmet: (agent, name) => ({ server: serverOf(agent, name), directory: nothingKnown }),
  };
}

/**
 * What a name is known as that belongs to somebody else. Nothing of what is declared under it is kept: an operator who looks at
 * the name is to see its owner's tools, and not those of whoever came by last.
 */
async function ownedByAnother(
  ledger: Ledger,
  { name, digest }: ServerRef,
): Promise<ToolDirectory | undefined> {
  const key = serverPinKey(name);
  const pinned = (await ledger.heads([key])).get(key);
  if (pinned === undefined || pinned === digest) return undefined;
  return standsAs({ kind: 'server-changed', pinned }, [{ key, value: pinned }]);
}

/** What was declared last under other gates, or before a restart: that must not make a difference. */
async function declaredBefore(ledger: Ledger, server: ServerRef): Promise<Tools> {
  const records = await ledger.tools(server.name);
  const own = records.filter(
    ({ serverDigest, tool }) => serverDigest === server.digest && tool !== serverItself,
  );
  return new Map(
    own.map(({ tool, definition }) => [
      tool,
      listedTool(JSON.parse(fromUtf8(definition) ?? '{}') as JsonObject),
    ]),
  );
}

/** Each declaration has a directory of its own: what is decided is what this very request declares, whatever comes beside it. */
function applicationOf(
  { ledger, recordChange }: CallerToolsOptions,
  agent: string,
  name: string,
  tools: Tools,
): CallerApplication {
  const server = serverOf(agent, name);
  const listing = { tools: () => Promise.resolve(tools), lists: () => Promise.resolve(false) };
  const command = utf8(identityOf(agent, name));
  return { server, directory: createToolDirectory({ server, command, listing, ledger, recordChange }) };
}

function serverOf(agent: string, name: string): ServerRef {
  return { name, digest: hex(sha256(utf8(identityOf(agent, name)))) };
}

/** What stands in the place of a server's command line: whose word the tools are. */
function identityOf(agent: string, name: string): string {
  return canonicalJson({ kind: 'caller', agent, name });
}

function saysNothingNew(tools: Tools, declared: Tools): boolean {
  return [...declared].every(([name, { sha256: digest }]) => tools.get(name)?.sha256 === digest);
}

function requireBounded(names: number, tools: Tools): void {
  const bytes = [...tools.values()].reduce((sum, { raw }) => sum + raw.length, 0);
  if (names > maxNames || tools.size > maxTools || bytes > maxDefinitionBytes) {
    throw new CountersignError(
      'TOO_LARGE',
      `An agent has at most ${maxNames} applications, each with ${maxTools} tools in ${maxDefinitionBytes} bytes.`,
    );
  }
}

const belongsToAnother = standsAs({ kind: 'server-changed', pinned: '' });
const nothingKnown = standsAs({ kind: 'unknown' });

function standsAs(standing: ToolStanding, expects: readonly HeadExpectation[] = []): ToolDirectory {
  return {
    standing: () => Promise.resolve({ standing, expects }),
    meet: () => Promise.resolve(),
    refresh() {},
  };
}
