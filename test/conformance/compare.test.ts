import { describe, expect, it } from 'vitest';
import { compare, isTransparent } from './compare.ts';
import type { Difference } from './compare.ts';
import type { Check, Status, SuiteRun } from './suite.ts';
import { conformancePage, formatted } from './table.ts';

const check = (id: string, status: Status, errorMessage?: string): Check => ({
  id,
  name: id,
  status,
  ...(errorMessage !== undefined && { errorMessage }),
});

function run(scenarios: Readonly<Record<string, readonly Check[]>>): SuiteRun {
  const each = Object.entries(scenarios).map(([name, checks]) => ({ name, scored: true, checks }));
  return { revision: '2026-07-28', scenarios: each };
}

function differences(direct: readonly Check[], through: readonly Check[]): readonly Difference[] {
  return compare(run({ scenario: direct }), run({ scenario: through })).scenarios[0]?.differences ?? [];
}

describe('comparing two runs of the suite', () => {
  it('finds nothing between equal runs, in whatever order their checks come', () => {
    const [a, b] = [check('a', 'SUCCESS'), check('b', 'FAILURE', 'no')];
    const comparison = compare(run({ s: [a, b, a] }), run({ s: [b, a, a] }));
    expect(comparison.scenarios[0]?.differences).toEqual([]);
    expect(isTransparent([comparison])).toBe(true);
  });

  it.each<[string, readonly Check[], readonly Check[]]>([
    ['fails', [check('a', 'SUCCESS')], [check('a', 'FAILURE', 'why')]],
    ['warns', [check('a', 'SUCCESS')], [check('a', 'WARNING', 'why')]],
    ['was skipped', [check('a', 'SUCCESS')], [check('a', 'SKIPPED', 'why')]],
    ['was not reached', [check('a', 'SUCCESS')], []],
    [
      'passes once in place of twice',
      [check('a', 'SUCCESS'), check('a', 'SUCCESS')],
      [check('a', 'SUCCESS')],
    ],
    ['fails beside passing', [check('a', 'SUCCESS')], [check('a', 'SUCCESS'), check('a', 'FAILURE')]],
    ['fails where nothing was looked at', [], [check('wire-schema-valid', 'FAILURE')]],
    ['warns where it was only noted', [check('a', 'INFO')], [check('a', 'WARNING')]],
  ])('calls it lost when a check %s through the gateway', (_, direct, through) => {
    expect(differences(direct, through)).toMatchObject([{ kind: 'lost' }]);
    expect(isTransparent([compare(run({ s: direct }), run({ s: through }))])).toBe(false);
  });

  it('says what the suite said of the worse side', () => {
    expect(differences([check('a', 'SUCCESS')], [check('a', 'FAILURE', 'expected 1, got 2')])).toEqual([
      {
        check: 'a',
        kind: 'lost',
        direct: ['SUCCESS'],
        through: ['FAILURE'],
        messages: ['expected 1, got 2'],
      },
    ]);
  });

  it('shows what passes only through the gateway, and does not hold it against it', () => {
    const [direct, through] = [[check('a', 'FAILURE', 'no')], [check('a', 'SUCCESS')]];
    expect(differences(direct, through)).toMatchObject([{ kind: 'gained', messages: ['no'] }]);
    expect(isTransparent([compare(run({ s: direct }), run({ s: through }))])).toBe(true);
  });

  it('does not count notes, which vary with timing', () => {
    expect(differences([check('a', 'INFO')], [check('a', 'INFO'), check('b', 'INFO')])).toEqual([]);
  });

  it('holds a scenario that never ran against the gateway', () => {
    expect(isTransparent([compare(run({ s: [check('a', 'SUCCESS')] }), run({}))])).toBe(false);
  });

  it('tells checks of one id apart by their names', () => {
    const named = (name: string, status: Status): Check => ({ id: 'a', name, status });
    const direct = [named('First', 'SUCCESS'), named('Second', 'FAILURE')];
    const through = [named('First', 'FAILURE'), named('Second', 'SUCCESS')];
    expect(differences(direct, through).map(({ kind }) => kind)).toEqual(['lost', 'gained']);
  });
});

describe('the page', () => {
  it('names every difference, in the list and in the table', async () => {
    const page = await conformancePage([
      compare(run({ ping: [check('pong', 'SUCCESS')] }), run({ ping: [check('pong', 'FAILURE')] })),
    ]);
    expect(page).toContain('`ping`: lost: pong (direct SUCCESS, through FAILURE)');
    expect(page).toMatch(/\| ping +\| 1 +\| 0, 1 failed +\| lost: pong +\|/);
  });

  it('is written as the formatter would write it', async () => {
    const passed = run({ ping: [check('pong', 'SUCCESS')] });
    const page = await conformancePage([compare(passed, passed)]);
    expect(page).toContain('There is no difference.');
    await expect(formatted(page)).resolves.toBe(page);
  });
});
