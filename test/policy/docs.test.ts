import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compilePolicy } from '../../src/policy/compile.ts';
import { limits } from '../../src/policy/limits.ts';
import { roots } from '../../src/policy/shapes.ts';
import { conditionPolicy } from './support/inputs.ts';
import { conditionRefusal } from './support/refusals.ts';

const guide = readFileSync('docs/policy.md', 'utf8');

/** The fenced blocks whose fence says exactly `kind`. */
function blocks(kind: string): string[] {
  return [...guide.matchAll(/^```(.*)\n([^]*?)^```$/gm)].flatMap(([, fence, text]) =>
    fence === kind && text !== undefined ? [text] : [],
  );
}

function lines(kind: string): string[] {
  return blocks(kind).flatMap((block) => block.trim().split('\n'));
}

describe('the guide to policy', () => {
  it('shows packs that load', () => {
    expect(blocks('yaml').length).toBeGreaterThan(0);
    for (const text of blocks('yaml')) compilePolicy([{ name: 'docs/policy.md', text }]);
  });

  it.each(lines('cel'))('shows a condition that loads: %s', (when) => {
    expect(conditionPolicy(when).id).toBe('test');
  });

  it.each(lines('cel refused'))('shows a condition that is refused: %s', (when) => {
    expect(conditionRefusal(when)).toContain('a.yaml:7:');
  });

  it('names every variable and field, and no other', () => {
    const section = /## Variables\n([^]*?)\n## /.exec(guide)?.[1] ?? '';
    const cells = [...section.matchAll(/^\| (`[^|]*`) +\|/gm)].map(([, cell]) => cell ?? '');
    const documented = cells.flatMap((cell) => {
      const names = [...cell.matchAll(/`([a-zA-Z.]+)`/g)].map(([, name]) => name ?? '');
      const root = names[0]?.split('.')[0] ?? '';
      return names.map((name) => (name.startsWith('.') ? root + name : name));
    });
    const declared = [...roots].flatMap(([root, shape]) =>
      typeof shape !== 'string' && shape.kind === 'record'
        ? [...shape.fields.keys()].map((field) => `${root}.${field}`)
        : [root],
    );
    expect(documented.toSorted()).toEqual(declared.toSorted());
  });

  it('states the limits that hold', () => {
    const {
      conditionLength,
      conditionBrackets,
      conditionNodes,
      conditionDepth,
      decisionSteps,
      reasonLength,
    } = limits;
    for (const limit of [
      conditionLength,
      conditionBrackets,
      conditionNodes,
      conditionDepth,
      decisionSteps,
      reasonLength,
    ]) {
      expect(guide).toContain(limit.toLocaleString('en-US'));
    }
  });
});
