import { knownServer, type KnownServer } from '../../gate/acceptance.ts';
import type { ToolFinding } from '../../gate/tool-review/finding.ts';
import { toolChanges, type ToolChange } from '../../gate/tool-review/pinned.ts';
import { reviewTools } from '../../gate/tool-review/review-tools.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { fieldChanges, type FieldChange } from './definition-diff.ts';

export { visible } from '../../gate/tool-review/visible.ts';
export type { ToolFinding };

/** Every server that a gate of this ledger has seen, as it listed itself last. */
export async function knownServers(ledger: Ledger): Promise<readonly KnownServer[]> {
  const names = [...new Set((await ledger.tools()).map(({ server }) => server))];
  return Promise.all(names.map((name) => knownServer(ledger, name)));
}

/** What is found about the tools of all servers: names can only be looked at together. */
export function findingsAbout(servers: readonly KnownServer[]): readonly ToolFinding[] {
  return reviewTools(
    servers.map(({ ref, tools }) => ({
      name: ref.name,
      tools: tools.map(({ record }) => ({ name: record.tool, definition: record.definition })),
    })),
  );
}

/** What is found about one server and some of its tools, all of them unless told. */
export async function findingsOf(
  ledger: Ledger,
  server: string,
  tools?: readonly string[],
): Promise<readonly ToolFinding[]> {
  const chosen = tools && new Set(tools);
  return findingsAbout(await knownServers(ledger)).filter(
    (found) =>
      found.server === server && (found.tool === undefined || chosen === undefined || chosen.has(found.tool)),
  );
}

/** A tool that is listed otherwise than it is pinned, and how. */
export interface ExplainedChange extends ToolChange {
  /** Undefined where the pinned definition is not remembered, and so cannot be shown. */
  readonly fields: readonly FieldChange[] | undefined;
}

/** How the tools of a server differ from what is pinned. */
export async function explainedChanges(
  ledger: Ledger,
  server: KnownServer,
): Promise<readonly ExplainedChange[]> {
  const changes = await toolChanges(ledger, server);
  return changes.map((change) => ({ ...change, fields: fieldChanges(change) }));
}
