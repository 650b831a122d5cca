import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { compilePolicy } from '../../../src/policy/compile.ts';
import { historyLimits } from '../../../src/policy/flow/history.ts';
import { conditionPolicy } from '../support/inputs.ts';

const guide = readFileSync('docs/flow.md', 'utf8');

it('the guide to flow shows a pack that loads', () => {
  const pack = /^```yaml\n([^]*?)^```$/m.exec(guide)?.[1] ?? '';
  const policy = compilePolicy([{ name: 'docs/flow.md', text: pack }]);
  expect([...policy.reads].toSorted()).toEqual(['args', 'history', 'origins']);
  expect(policy.labelOf({ server: 'mail', name: 'search' })).toMatchObject({
    trusted: false,
    sensitive: true,
  });
});

it('the guide to flow names expressions that load, and the bound that holds', () => {
  const section = /## Asking\n([^]*?)\n## /.exec(guide)?.[1] ?? '';
  const expressions = [...section.matchAll(/^\| `([^`]+)`/gm)].map(([, expression]) => expression ?? '');
  expect(expressions.length).toBe(7);
  for (const expression of expressions) {
    const isBoolean = !/^(?:called|origins)/.test(expression);
    expect(conditionPolicy(isBoolean ? expression : `${expression} == ${expression}`).id).toBe('test');
  }
  expect(guide).toContain(`Up to ${historyLimits.tools} tools`);
});
