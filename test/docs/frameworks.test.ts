import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repository } from '../architecture/source.ts';
import { firstCells, page, section } from './pages.ts';

const text = page('docs/frameworks.md');
const { exports: subpaths } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
  readonly exports: Readonly<Record<string, unknown>>;
};
const [overview = ''] = text.split('## The options');
const named = [...overview.matchAll(/`countersign\/([a-z-]+)`/g)].map(([, name]) => name);

describe('docs/frameworks.md', () => {
  it('names every adapter that the package exports, and no other', () => {
    const notAdapters = ['.', './node', './worker', './package.json'];
    const exported = Object.keys(subpaths).filter((name) => !notAdapters.includes(name));
    expect(named.toSorted()).toEqual(exported.map((name) => name.slice('./'.length)).toSorted());
  });

  it('says of each of them what it cannot guarantee', () => {
    const judged = firstCells(section(text, 'What each of them can and cannot guarantee'));
    const headings = 2;
    expect(judged.length - headings).toBe(named.length);
  });
});
