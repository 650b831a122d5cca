import { existsSync } from 'node:fs';
import { CountersignError } from '../../errors.ts';
import { endedLedger } from '../../ledger/ended-ledger.ts';
import { openLedgerCopy } from '../../ledger/ledger-copy-sqlite.ts';
import type { HomeLayout } from '../home/home-layout.ts';
import { findingsAbout, knownServers, type ToolFinding } from '../tools/review-home.ts';
import { findings, type Finding } from './finding.ts';

const { note } = findings('tools');

/** What is found about the tools that the gates of a home have seen. The ledger is read, and nothing else. */
export async function checkTools({ ledger: path }: HomeLayout): Promise<readonly Finding[]> {
  // Where there is no ledger, or it is elsewhere, others say so.
  if (!existsSync(path)) return [];
  try {
    const ledger = endedLedger(openLedgerCopy(path, 'look'));
    try {
      return notesOf(findingsAbout(await knownServers(ledger)));
    } finally {
      await ledger.close();
    }
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    return [note(path, `is not read for what tools say: ${error.message} (${error.code})`)];
  }
}

/** One line a tool: what it says of itself is for the command that shows definitions. */
function notesOf(found: readonly ToolFinding[]): readonly Finding[] {
  const bySubject = Map.groupBy(found, ({ server, tool }) =>
    tool === undefined ? server : `${server}/${tool}`,
  );
  return [...bySubject].map(([subject, each]) => {
    const kinds = [...new Set(each.map(({ kind }) => kind))].join(', ');
    const server = each[0]?.server ?? '';
    return note(subject, `${kinds}. Look at it before you rely on it: countersign tools list ${server}`);
  });
}
