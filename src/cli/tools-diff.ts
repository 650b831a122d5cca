import type { KnownServer } from '../gate/acceptance.ts';
import { CountersignError } from '../errors.ts';
import type { OpenedHome } from '../runtime/home/with-home.ts';
import {
  explainedChanges,
  findingsOf,
  type ExplainedChange,
  type ToolFinding,
} from '../runtime/tools/review-home.ts';
import type { Io } from './io.ts';
import { palette } from './paint.ts';
import { findingsText, seen, serverLine } from './tools-text.ts';

export interface DiffOptions {
  /** All of them when empty. */
  readonly tools: readonly string[];
  readonly json: boolean;
}

/** `countersign tools diff NAME [TOOL…]`: 0 when what is listed is what is pinned. */
export async function diffTools(
  opened: OpenedHome,
  name: string,
  options: DiffOptions,
  io: Io,
): Promise<number> {
  const server = await opened.server(name);
  const all = await explainedChanges(opened.ledger, server);
  assertKnown(options.tools, server, all);
  const changes = all.filter(({ tool }) => options.tools.length === 0 || options.tools.includes(tool));
  const listed = changes.filter(({ change }) => change !== 'vanished').map(({ tool }) => tool);
  const found = listed.length === 0 ? [] : await findingsOf(opened.ledger, name, listed);
  io.stdout.write(
    options.json
      ? `${JSON.stringify(diffJson(server, changes, found), null, 2)}\n`
      : diffText(server, changes, found, io),
  );
  return changes.length > 0 || hasMoved(server) ? 1 : 0;
}

function hasMoved({ ref, pinned }: KnownServer): boolean {
  return pinned !== undefined && pinned !== ref.digest;
}

function assertKnown(
  tools: readonly string[],
  server: KnownServer,
  changes: readonly ExplainedChange[],
): void {
  const known = new Set([
    ...server.tools.map(({ record }) => record.tool),
    ...changes.map(({ tool }) => tool),
  ]);
  const missing = tools.filter((tool) => !known.has(tool));
  if (missing.length > 0) {
    throw new CountersignError(
      'NOT_FOUND',
      `${seen(server.ref.name)} never listed a tool named ${missing.map(seen).join(', ')}. See: countersign tools list`,
    );
  }
}

function diffJson(
  server: KnownServer,
  changes: readonly ExplainedChange[],
  findings: readonly ToolFinding[],
) {
  return {
    server: server.ref.name,
    digest: server.ref.digest,
    pinned: server.pinned ?? null,
    tools: changes.map(({ tool, change, accepted, pinned, listed, fields }) => ({
      name: tool,
      change,
      accepted,
      pinned: pinned?.sha256 ?? null,
      listed: listed?.sha256 ?? null,
      fields: fields ?? null,
    })),
    findings,
  };
}

function diffText(
  server: KnownServer,
  changes: readonly ExplainedChange[],
  found: readonly ToolFinding[],
  io: Io,
): string {
  const nothing = changes.length === 0 ? '  Every tool is listed as it is pinned.\n' : '';
  const tools = changes.map((change) => changeText(change, io)).join('');
  return serverLine(server, io) + nothing + tools + findingsText(found, io.stdout, io);
}

const told = {
  changed: 'changed',
  new: 'new: nothing is pinned of it',
  vanished: 'gone: it is pinned, and not listed any more',
} as const;

function changeText({ tool, change, accepted, fields }: ExplainedChange, io: Io): string {
  const { bold, bad } = palette(io.stdout, io);
  const was = accepted ? ' (an operator accepted what is pinned)' : '';
  const head = `  ${bold(seen(tool))}  ${bad(told[change])}${was}\n`;
  if (fields === undefined)
    return `${head}    This ledger does not remember the pinned definition: read the listed one whole.\n`;
  return head + fields.map(({ field, diff }) => fieldText(field, diff, io)).join('');
}

function fieldText(field: string, diff: string, io: Io): string {
  const { good, bad, bold, dim } = palette(io.stdout, io);
  const paints: Readonly<Record<string, (text: string) => string>> = { '+': good, '-': bad, '@': dim };
  const lines = diff.split('\n').map((line) => {
    const paint = paints[line.charAt(0)];
    return `      ${paint === undefined ? line : paint(line)}\n`;
  });
  const name = field === '' ? 'as it is written; what it says is the same to most readers' : seen(field);
  return `    ${bold(name)}\n${lines.join('')}`;
}
