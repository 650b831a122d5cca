import { fromUtf8 } from '../call/sha256.ts';
import type { KnownServer, KnownTool } from '../gate/acceptance.ts';
import { visible, type ToolFinding } from '../runtime/tools/review-home.ts';
import type { Io, Output } from './io.ts';
import { palette } from './paint.ts';
import { printable } from './printable.ts';

export interface ShownDefinition {
  readonly name?: unknown;
  readonly description?: unknown;
  readonly inputSchema?: unknown;
  readonly annotations?: { readonly readOnlyHint?: unknown };
}

export function definitionOf({ record }: KnownTool): ShownDefinition {
  return JSON.parse(fromUtf8(record.definition) ?? '{}') as ShownDefinition;
}

/** What a server says of itself, on one line, and nothing in it unseen: it could rewrite the terminal otherwise. */
export function seen(text: string): string {
  return printable(visible(text));
}

export function serverLine({ ref, command, pinned }: KnownServer, io: Io): string {
  const { bold, bad, dim } = palette(io.stdout, io);
  const moved = pinned !== undefined && pinned !== ref.digest;
  return (
    `${bold(seen(ref.name))}  ${dim(seen(fromUtf8(command ?? new Uint8Array()) ?? ''))}\n` +
    (moved
      ? bad('  The name belongs to another command: calls are denied until tools of this one are accepted.\n')
      : '')
  );
}

export function toolText(tool: KnownTool, io: Io): string {
  const { bold, good, bad, dim } = palette(io.stdout, io);
  const { description, inputSchema } = definitionOf(tool);
  const state =
    tool.state === 'accepted' ? good(tool.state) : tool.state === 'changed' ? bad(tool.state) : tool.state;
  const lines = [
    `  ${bold(seen(tool.record.tool))}  ${state}  ${dim(`sha256:${tool.record.sha256.slice(0, 16)}…`)}`,
    ...(typeof description === 'string' ? [`    ${seen(description)}`] : []),
    `    ${dim(seen(JSON.stringify(inputSchema ?? {})))}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** What else a definition says, such as its title, annotations and output; empty for nothing. */
export function restText(tool: KnownTool, io: Io): string {
  const { name: _, description: __, inputSchema: ___, ...rest } = definitionOf(tool);
  return Object.keys(rest).length === 0
    ? ''
    : `    ${palette(io.stdout, io).dim(seen(JSON.stringify(rest)))}\n`;
}

/** What is to be looked at, two lines each; empty when there is nothing. */
export function findingsText(found: readonly ToolFinding[], output: Output, io: Io): string {
  const { bad, bold, dim } = palette(output, io);
  return found
    .map(({ kind, server, tool, where, message, excerpt, others = [] }) => {
      const names = others.map((other) => seen([other.server, other.tool].filter(Boolean).join('/')));
      const about = [
        ...(excerpt === undefined ? [] : [`“${seen(excerpt)}”`]),
        ...(names.length === 0 ? [] : [names.join(', ')]),
      ].join(' ');
      const place = where === '' ? '' : `  ${dim(seen(where))}`;
      return (
        `  ${bad('!')} ${bold(seen(tool ?? server))}  ${bad(kind)}${place}\n` +
        `    ${message}${about === '' ? '' : ` ${about}`}\n`
      );
    })
    .join('');
}
