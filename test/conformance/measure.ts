/** The suite's findings on the fixture, direct and through a governed gateway, under otherwise equal conditions. */
import { compare, isTransparent } from './compare.ts';
import type { Comparison } from './compare.ts';
import { startFixture } from './fixture-server.ts';
import { startForwarder } from './forwarder.ts';
import { startGoverned } from './governed.ts';
import type { GovernedLog } from './governed.ts';
import { revisions, runSuite } from './suite.ts';
import type { SuiteRun } from './suite.ts';

export interface Measurement {
  readonly comparisons: readonly Comparison[];
  /** Of the gateway that was measured, once it was. */
  readonly log?: GovernedLog;
}

export async function measureDirect(): Promise<Measurement> {
  const direct = await runDirect();
  return { comparisons: direct.map((run) => compare(run, undefined)) };
}

/** Needs the built command. Takes most of a minute, which the suite spends waiting. */
export async function measureBoth(): Promise<Measurement> {
  const direct = await runDirect();
  const { runs: through, log } = await runThrough();
  return { comparisons: direct.map((run, index) => compare(run, through[index])), log };
}

/** Whether everything that passed direct also passed through the gateway, and the gateway governed all the while. */
export function holds({ comparisons, log }: Measurement): boolean {
  const governed = log === undefined || (log.sound && log.allowed > 0 && log.denied === 0);
  return governed && isTransparent(comparisons);
}

async function runDirect(): Promise<readonly SuiteRun[]> {
  await using fixture = await startFixture();
  await using forwarder = await startForwarder();
  return await runRevisions(forwarder.to(fixture.url));
}

async function runThrough(): Promise<{ readonly runs: readonly SuiteRun[]; readonly log: GovernedLog }> {
  await using fixture = await startFixture();
  await using forwarder = await startForwarder();
  await using governed = await startGoverned(fixture.url, forwarder.host);
  const runs = await runRevisions(forwarder.to(governed.url, `Bearer ${governed.apiKey}`));
  return { runs, log: await governed.audit() };
}

/** One after the other: the suite gives some answers half a second, which a busy machine would miss on either side. */
async function runRevisions(url: string): Promise<readonly SuiteRun[]> {
  const runs: SuiteRun[] = [];
  for (const revision of revisions) runs.push(await runSuite(url, revision));
  return runs;
}
