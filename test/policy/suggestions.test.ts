import { describe, expect, it } from 'vitest';
import { conditionRefusal, refusalOf } from './support/refusals.ts';

describe('a name that does not exist is refused with the one that was meant', () => {
  it.each([
    ['humn.subject == "a"', 'human'],
    ['human.role == "a"', 'human.roles'],
    ['"a" in human.rolse', 'human.roles'],
    ['has(tool.anotations)', 'tool.annotations'],
    ['"Zone" in network', 'network.zone'],
    ['"a" in roles', 'human.roles'],
    ['args.a.startWith("a")', 'startsWith'],
    ['args.a.exist(x, x == 1)', 'exists'],
    ['fromRequst(args.a)', 'fromRequest'],
    ['human.act.exists(a, a.isuer == "b")', 'issuer'],
    ['args.to.exists(address, adress == "a")', 'address'],
  ])('in %s', (when, meant) => {
    expect(conditionRefusal(when)).toContain(`(did you mean ${meant}?)`);
  });

  it.each([
    ['a field of a pack', 'version: 1\nname: a\nrule: []\n', 'rules'],
    ['a field of a rule', 'version: 1\nname: a\nrules: [{id: a, effects: allow}]\n', 'effect'],
    ['an effect', 'version: 1\nname: a\nrules: [{id: a, effect: alow, tools: [a/b]}]\n', 'allow'],
  ])('as %s', (_, text, meant) => {
    expect(refusalOf(text)).toContain(`(did you mean ${meant}?)`);
  });

  it.each(['password == "a"', 'frobnicate(args.a)', 'human.shoeSize == 1', 'id == "a"'])(
    'and without one where none is near: %s',
    (when) => {
      expect(conditionRefusal(when)).not.toContain('did you mean');
    },
  );
});
