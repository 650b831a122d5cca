import type { KnownServer, KnownTool } from '../gate/acceptance.ts';
import { CountersignError } from '../errors.ts';
import type { OpenedHome } from '../runtime/home/with-home.ts';
import { findingsOf, type ToolFinding } from '../runtime/tools/review-home.ts';
import type { Io } from './io.ts';
import { definitionOf, findingsText, seen, restText, serverLine, toolText } from './tools-text.ts';
import { saysYes } from './says-yes.ts';

export interface AcceptOptions {
  /** All of them when empty. */
  readonly tools: readonly string[];
  readonly readOnly: boolean;
  readonly yes: boolean;
  /** Accept nothing while anything is found. */
  readonly strict: boolean;
  readonly json: boolean;
}

/** `countersign tools accept NAME [TOOL…]`: shows them and what is found about them, asks, and signs that they are accepted. */
export async function acceptTools(
  opened: OpenedHome,
  name: string,
  options: AcceptOptions,
  io: Io,
): Promise<number> {
  const server = await opened.server(name);
  const chosen = chooseTools(server, options);
  const names = chosen.map(({ record }) => record.tool);
  const found = await findingsOf(opened.ledger, name, names);
  show(server, chosen, found, options, io);
  if (options.strict && found.length > 0) {
    io.stderr.write(`Nothing was accepted: ${count(found.length, 'finding')}, and --strict takes none.\n`);
    return answer(name, [], found, options, io, 1);
  }
  if (!options.yes && !(await confirmed(chosen.length, io))) {
    io.stderr.write('Nothing was accepted.\n');
    return 1;
  }
  await opened.accept(server, chosen);
  if (!options.json)
    io.stdout.write(`Accepted ${names.length} of ${server.tools.length}: ${names.map(seen).join(', ')}\n`);
  return answer(name, names, found, options, io, 0);
}

/** Where nobody is asked, what is found goes where it is not taken for the answer. */
function show(
  server: KnownServer,
  chosen: readonly KnownTool[],
  found: readonly ToolFinding[],
  { yes, json }: AcceptOptions,
  io: Io,
): void {
  if (!json) {
    io.stdout.write(serverLine(server, io));
    for (const tool of chosen) io.stdout.write(toolText(tool, io) + restText(tool, io));
  }
  const output = yes || json ? io.stderr : io.stdout;
  if (found.length > 0) output.write(findingsText(found, output, io));
}

function answer(
  server: string,
  accepted: readonly string[],
  findings: readonly ToolFinding[],
  { json }: AcceptOptions,
  io: Io,
  code: number,
): number {
  if (json) io.stdout.write(`${JSON.stringify({ server, accepted, findings })}\n`);
  return code;
}

function chooseTools(server: KnownServer, { tools, readOnly }: AcceptOptions): readonly KnownTool[] {
  const byName = new Map(server.tools.map((tool) => [tool.record.tool, tool]));
  const missing = tools.filter((tool) => !byName.has(tool));
  if (missing.length > 0) {
    throw new CountersignError('NOT_FOUND', `${server.ref.name} lists no tool named ${missing.join(', ')}.`);
  }
  const chosen = server.tools.filter((tool) =>
    readOnly
      ? definitionOf(tool).annotations?.readOnlyHint === true
      : tools.length === 0 || tools.includes(tool.record.tool),
  );
  if (chosen.length === 0) throw new CountersignError('NOT_FOUND', 'There is no such tool to accept.');
  return chosen;
}

/** Asks only where somebody can answer: elsewhere the command itself is the operator's word. */
async function confirmed(tools: number, io: Io): Promise<boolean> {
  if (io.stdout.isTTY !== true || !('isTTY' in io.stdin) || io.stdin.isTTY !== true) return true;
  return saysYes(`Accept ${tools === 1 ? 'this tool' : `these ${tools} tools`}? [y/N] `, io);
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
