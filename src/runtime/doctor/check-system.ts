import { findings, type Finding } from './finding.ts';

const { ok, problem } = findings('system');

const oldestNode = 24;
/** Older ones can lose a committed write with several writers and a checkpointer. */
const oldestSqlite = [3, 51, 3] as const;

/** Before this project was: a clock that was never set. */
const earliest = Date.UTC(2026, 0, 1);

/** Whether this Node and its SQLite can carry a log, and whether the clock was ever set. */
export function checkSystem(
  { node, sqlite }: { readonly node: string; readonly sqlite: string | undefined },
  now: number,
): readonly Finding[] {
  return [
    Number(node.split('.')[0]) >= oldestNode
      ? ok(`Node ${node}`, 'is recent enough.')
      : problem(`Node ${node}`, `is too old: ${oldestNode} or newer is needed.`),
    sqlite !== undefined && isAtLeast(sqlite, oldestSqlite)
      ? ok(`SQLite ${sqlite}`, 'is recent enough.')
      : problem(`SQLite ${sqlite ?? '(none)'}`, `is too old: ${oldestSqlite.join('.')} or newer is needed.`),
    now >= earliest
      ? ok('the clock', `says ${new Date(now).toISOString()}.`)
      : problem('the clock', `says ${new Date(now).toISOString()}: it was never set.`),
  ];
}

function isAtLeast(version: string, least: readonly number[]): boolean {
  const parts = version.split('.').map(Number);
  for (const [at, part] of least.entries()) {
    const own = parts[at] ?? 0;
    if (own !== part) return own > part;
  }
  return true;
}
