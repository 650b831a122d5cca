import { utf8 } from '../../../src/call/sha256.ts';
import type { ToolFinding } from '../../../src/gate/tool-review/finding.ts';
import { reviewTools } from '../../../src/gate/tool-review/review-tools.ts';

/** What servers list, by their names: definitions as their JSON would be. */
export type Listed = Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;

export function review(listed: Listed): readonly ToolFinding[] {
  return reviewTools(
    Object.entries(listed).map(([name, tools]) => ({
      name,
      tools: tools.map((tool) => ({ name: String(tool['name']), definition: utf8(JSON.stringify(tool)) })),
    })),
  );
}

/** `kind server/tool`, in the order in which they are told. */
export function told(listed: Listed): readonly string[] {
  return review(listed).map(
    ({ kind, server, tool }) => `${kind} ${server}${tool === undefined ? '' : `/${tool}`}`,
  );
}

/** Servers whose tools have a name and nothing else. */
export function named(servers: Readonly<Record<string, readonly string[]>>): Listed {
  return Object.fromEntries(
    Object.entries(servers).map(([server, tools]) => [server, tools.map((name) => ({ name }))]),
  );
}
