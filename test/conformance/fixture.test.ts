import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFixture } from './fixture-server.ts';
import type { FixtureServer } from './fixture-server.ts';
import { revisions, runScenario, scenariosOf } from './suite.ts';
import type { Revision } from './suite.ts';

let fixture: FixtureServer;

beforeAll(async () => {
  fixture = await startFixture();
});

afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
});

/** One of each kind of exchange. `npm run conformance` plays all of them. */
const played: readonly (readonly [Revision, string])[] = [
  ['2025-11-25', 'server-session-lifecycle'],
  ['2025-11-25', 'server-sse-polling'],
  ['2025-11-25', 'elicitation-sep1330-enums'],
  ['2026-07-28', 'input-required-result-multi-round'],
  ['2026-07-28', 'http-custom-header-server-validation'],
  ['2026-07-28', 'tasks-mrtr-composition'],
];

describe('the fixture', () => {
  it.each(played)('passes every check of %s %s direct', async (revision, scenario) => {
    const checks = await runScenario(fixture.url, revision, scenario);
    expect(checks.filter(({ status }) => status === 'FAILURE' || status === 'WARNING')).toEqual([]);
    expect(checks.some(({ status }) => status === 'SUCCESS')).toBe(true);
  });

  it('is measured by scenarios that the suite has', () => {
    const names = revisions.map((revision) => scenariosOf(revision).map(({ name }) => name));
    expect(names.map(({ length }) => length)).toEqual([33, 50]);
    for (const [revision, scenario] of played) expect(names[revisions.indexOf(revision)]).toContain(scenario);
  });
});
