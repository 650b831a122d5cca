import { describe, expect, it } from 'vitest';
import { reasonCodes } from '../../src/names.ts';
import { readConfig } from '../../src/runtime/config/read.ts';
import { blocks, firstCells, page, section } from './pages.ts';

const text = page('docs/grants.md');

describe('docs/grants.md', () => {
  it('lists every code of a grant, and no other', () => {
    const listed = firstCells(section(text, 'What comes of it')).flatMap((cell) =>
      [...cell.matchAll(/`(GRANT_\w+)`/g)].map(([, code]) => code),
    );
    expect(listed.toSorted()).toEqual(reasonCodes.filter((code) => code.startsWith('GRANT_')).toSorted());
  });

  it('shows a configuration that is valid', () => {
    const [configuration = ''] = blocks(text, 'yaml');
    const { identity } = readConfig({ name: 'docs/grants.md', text: configuration, env: {} });
    expect(identity?.granters.map(({ name }) => name)).toEqual(['shift-lead']);
    expect(identity?.grantsRequired).toEqual(['planner', 'mailer']);
  });
});
