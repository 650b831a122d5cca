import { describe, expect, it } from 'vitest';
import { compilePolicy } from '../../src/policy/compile.ts';
import type { ToolLabel } from '../../src/policy/policy.ts';

/** What packs with these labels, one each, say of the outputs of `mail/search`. */
function labelOf(...labels: readonly string[]): ToolLabel {
  const sources = labels.map((label, at) => ({
    name: `${at}.yaml`,
    text: `version: 1\nname: p${at}\nlabels: [${label}]\nrules: [{id: r${at}, effect: deny, tools: ["*/*"]}]\n`,
  }));
  return compilePolicy(sources).labelOf({ server: 'mail', name: 'search' });
}

describe('labels of several packs for one tool', () => {
  it.each([
    ['untrusted over trusted', 'output: trusted', 'output: untrusted', { trusted: false, sensitive: false }],
    ['sensitive over nothing', 'output: trusted', 'output: sensitive', { trusted: true, sensitive: true }],
    [
      'untrusted over trusted, of a field',
      'fields: {/a: trusted}',
      'fields: {/a: [untrusted, sensitive]}',
      { fields: [{ path: ['a'], label: { trusted: false, sensitive: true } }] },
    ],
    [
      'nothing that hangs on how it is read, where they read it in two ways',
      'output: trusted, format: json',
      'format: yaml, fields: {/a: [trusted, sensitive]}',
      { trusted: false, sensitive: true, fields: [] },
    ],
  ])('come to %s, whatever their order', (_, one, other, expected) => {
    const [first, second] = [`{tools: ["mail/*"], ${one}}`, `{tools: ["*/search"], ${other}}`];
    expect(labelOf(first, second)).toMatchObject(expected);
    expect(labelOf(second, first)).toEqual(labelOf(first, second));
  });

  it('say nothing of other tools, and what nobody speaks of is untrusted', () => {
    const nothing = { trusted: false, sensitive: false, format: 'json', fields: [] };
    expect(labelOf('{tools: ["files/*"], output: trusted}')).toEqual(nothing);
    expect(labelOf('{tools: ["mail/*"], fields: {/a: sensitive}}')).toMatchObject({
      trusted: false,
      fields: [{ label: { trusted: false, sensitive: true } }],
    });
  });
});

it.each([
  ['trusted and untrusted at once', '{tools: ["a/b"], output: [trusted, untrusted]}', /at once/],
  ['an unknown word', '{tools: ["a/b"], output: safe}', /unknown label "safe"/],
  ['an unknown format', '{tools: ["a/b"], output: trusted, format: xml}', /unknown format "xml"/],
  ['nothing', '{tools: ["a/b"]}', /says output or fields/],
  ['a field that is no pointer', '{tools: ["a/b"], fields: {a: trusted}}', /JSON pointer/],
])('a label that says %s is refused', (_, label, told) => {
  expect(() => labelOf(label)).toThrow(told);
});
