import { isOneEdit, lookOf } from './look.ts';
import type { Named, ReviewedServer, ToolFinding } from './finding.ts';

/** Shorter names differ by one character by chance. */
const shortestNear = 6;
/** What is longer is compared for sameness alone: what `nearNames` keeps grows with the square. */
const longestNear = 128;
/** Of as many others a finding tells. */
const maxOthers = 8;

interface Name extends Named {
  readonly text: string;
  readonly look: string;
}

/** Names of servers, and of tools of different servers, that are the same, look the same, or almost do. */
export function reviewNames(servers: readonly ReviewedServer[]): readonly ToolFinding[] {
  const serverNames = servers.map(({ name }) => ({ server: name, text: name, look: lookOf(name) }));
  const toolNames = servers.flatMap(({ name: server, tools }) =>
    tools.map(({ name }) => ({ server, tool: name, text: name, look: lookOf(name) })),
  );
  return [...reviewKind(serverNames), ...reviewKind(toolNames)];
}

function reviewKind(names: readonly Name[]): readonly ToolFinding[] {
  const byText = Map.groupBy(names, ({ text }) => text);
  const byLook = new Map(
    [...Map.groupBy(names, ({ look }) => look)].map(([look, alike]) => [look, someOfEach(alike)]),
  );
  const near = nearLooks([...byLook.keys()]);
  return names.flatMap((name) => {
    const isElsewhere = ({ server }: Name): boolean => server !== name.server;
    const same = (byText.get(name.text) ?? []).filter(isElsewhere);
    const alike = (byLook.get(name.look) ?? []).filter(
      (other) => other.text !== name.text && (isElsewhere(other) || isBeyondAscii(name.text + other.text)),
    );
    const close = (near.get(name.look) ?? [])
      .flatMap((look) => byLook.get(look) ?? [])
      .filter((other) => isElsewhere(other) && !isNumberedAlike(name.text, other.text));
    return [
      ...finding('same-name', name, same, 'Another server has a tool of this name.'),
      ...finding('look-alike', name, alike, 'The name looks like another one, and is not it.'),
      ...finding('near-name', name, close, 'The name is one character away from another one.'),
    ];
  });
}

function finding(
  kind: ToolFinding['kind'],
  { server, tool }: Name,
  others: readonly Name[],
  message: string,
): readonly ToolFinding[] {
  if (others.length === 0) return [];
  const named = others
    .slice(0, maxOthers)
    .map((other) => ({ server: other.server, ...(other.tool !== undefined && { tool: other.tool }) }));
  return [{ kind, server, ...(tool !== undefined && { tool }), where: '', message, others: named }];
}

/**
 * Of each server as many as a finding tells, and the name itself; those beyond ASCII apart. A server that lists thousands that look
 * the same would be compared with itself for minutes.
 */
function someOfEach(names: readonly Name[]): readonly Name[] {
  const counts = new Map<string, number>();
  return names.filter(({ server, text }) => {
    const kind = `${isBeyondAscii(text)} ${server}`;
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    return count <= maxOthers + 1;
  });
}

function isBeyondAscii(text: string): boolean {
  return /[^\0-\u007f]/.test(text);
}

/** `step_1` and `step_2` are told apart by everybody. */
function isNumberedAlike(a: string, b: string): boolean {
  return a.replaceAll(/\d/g, '0') === b.replaceAll(/\d/g, '0');
}

/**
 * Which looks are one edit apart. Two that are become equal when one character is left out of each, or of the longer one: so only
 * those are compared, instead of every pair.
 */
function nearLooks(looks: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const near = new Map<string, Set<string>>();
  const add = (from: string, to: string): unknown => near.get(from)?.add(to) ?? near.set(from, new Set([to]));
  const byRest = new Map<string, string[]>();
  for (const look of looks) {
    if (look.length < shortestNear || look.length > longestNear) continue;
    for (const rest of restsOf(look)) {
      const seen = byRest.get(rest);
      if (seen === undefined) {
        byRest.set(rest, [look]);
        continue;
      }
      for (const other of seen) {
        if (!isOneEdit(look, other)) continue;
        add(look, other);
        add(other, look);
      }
      // A server that lists thousands of names one edit apart is told of some.
      if (seen.length < maxOthers) seen.push(look);
    }
  }
  return new Map([...near].map(([look, others]) => [look, [...others]]));
}

function restsOf(look: string): ReadonlySet<string> {
  const rests = new Set([look]);
  for (let at = 0; at < look.length; at += 1) rests.add(look.slice(0, at) + look.slice(at + 1));
  return rests;
}
