import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isScalar, parseDocument, type Scalar } from 'yaml';
import { offsetWithin } from '../../src/policy/offset-within.ts';
import { refusalOf } from './support/refusals.ts';

function scalarOf(text: string): { readonly node: Scalar<string>; readonly start: number } {
  const node = parseDocument(text).get('when', true);
  if (!isScalar(node) || typeof node.value !== 'string') throw new Error('there is no string');
  return { node: node as Scalar<string>, start: node.range?.[0] ?? 0 };
}

/** What stands where the unit is said to be. */
function unitAt(text: string, within: number): string | undefined {
  const { node, start } = scalarOf(text);
  const at = offsetWithin(text, start, { value: node.value, type: node.type }, within);
  return at === undefined ? undefined : text.slice(at, at + 4);
}

describe('a place within a condition is found in its source', () => {
  const value = 'args.a == "x" && oops';
  it.each([
    ['plain', 'when: args.a == "x" && oops\n'],
    ['plain, over lines', 'when: args.a == "x"\n    && oops\n'],
    ['in single quotes', 'when: \'args.a == "x" && oops\'\n'],
    ['in double quotes', 'when: "args.a == \\"x\\" && oops"\n'],
    ['folded', 'when: >-\n    args.a == "x"\n    && oops\n'],
    ['folded, with a comment on its head', 'when: >- # why\n  args.a == "x" &&\n  oops\n'],
    ['in a literal block', 'when: |\n  args.a == "x"\n    && oops\n'],
    ['with the line ends of other systems', 'when: >-\r\n  args.a == "x"\r\n  && oops\r\n'],
  ])('%s', (_, text) => {
    const within = scalarOf(text).node.value.indexOf('oops');
    expect(scalarOf(text).node.value.replace(/\s+/g, ' ').trim()).toBe(value);
    expect(unitAt(text, within)).toBe('oops');
  });

  it('after doubled quotes', () => {
    expect(unitAt("when: 'a == ''x'' && oops'\n", "a == 'x' && ".length)).toBe('oops');
  });

  it('and not guessed behind other escapes', () => {
    expect(unitAt('when: "\\u0061 && oops"\n', 'a && '.length)).toBeUndefined();
  });

  it('so that a refusal names the line within a folded block', () => {
    const rule =
      '  - id: r\n    effect: allow\n    tools: [a/b]\n    when: >-\n      tool.accepted\n      && humn.subject == "a"\n';
    expect(refusalOf(`version: 1\nname: a\nrules:\n${rule}`)).toMatch(/^a\.yaml:9:10: /);
  });
});

it('whatever stands there, the unit that is found is the one that was asked for', () => {
  const word = fc.constantFrom('a', '"', "'", '\\', '&&', '#', ' ', '\n', '\u{1f600}', '\\n', ':');
  fc.assert(
    fc.property(
      fc.array(word, { maxLength: 12 }),
      fc.constantFrom('"', "'", '>-\n  ', '|\n  ', ''),
      fc.nat(20),
      (words, style, within) => {
        const body = words.join('').replaceAll('\n', '\n  ');
        const text = `when: ${style}${body}${style.length === 1 ? style : ''}\n`;
        const document = parseDocument(text);
        const node = document.get('when', true);
        if (document.errors.length > 0 || !isScalar(node) || typeof node.value !== 'string') return;
        const found = offsetWithin(
          text,
          node.range?.[0] ?? 0,
          { value: node.value, type: node.type },
          within,
        );
        if (found !== undefined) expect(['\\', "'", node.value[within]]).toContain(text[found]);
      },
    ),
  );
});
