import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/call/json.ts';
import type { KnownTools } from '../../../src/policy/check/known-tool.ts';
import { brief, warningsOf } from './support.ts';

const file: JsonObject = {
  type: 'object',
  properties: {
    path: { type: 'string' },
    head: { type: 'integer' },
    mode: { type: 'string', enum: ['text', 'binary'] },
    options: { type: 'object', properties: { force: { type: 'boolean' } } },
    tags: { type: 'array', items: { type: 'string' } },
    nullable: { type: ['string', 'null'] },
    anything: {},
    either: { anyOf: [{ type: 'string' }, { type: 'number' }] },
  },
};

const known: KnownTools = {
  tools: [
    { server: 'files', name: 'read_file', inputSchema: file },
    { server: 'files', name: 'list_roots', inputSchema: { type: 'object', properties: {} } },
    {
      server: 'mail',
      name: 'send',
      inputSchema: { type: 'object', additionalProperties: true, properties: { to: {} } },
    },
    { server: 'mail', name: 'unspoken' },
  ],
  complete: true,
};

const everything = '{id: rest, effect: deny, tools: ["*/*"], when: "tool.name == agent.id"}';

function found(rule: string, given = known): { readonly kind: string; readonly sentence: string }[] {
  return warningsOf([rule, everything], given).map(({ kind, sentence }) => ({ kind, sentence }));
}

function kindsOf(when: string, tools = 'files/read_file'): string[] {
  return found(`{id: r, effect: allow, tools: ["${tools}"], when: ${JSON.stringify(when)}}`).map(
    ({ kind }) => kind,
  );
}

describe('a pattern that no tool can match', () => {
  it.each([
    ['files/raed_file', 'did you mean files/read_file?'],
    ['files/write_*', 'lists none of that name'],
    ['file/*', 'did you mean files?'],
    ['*/frobnicate', 'each of 2 servers lists none'],
    ['calendar/*', 'there is no such server'],
  ])('is found: %s', (pattern, hint) => {
    const [warning, ...more] = found(`{id: r, effect: allow, tools: ["${pattern}"]}`);
    expect(warning).toMatchObject({ kind: 'no-tool', sentence: expect.stringContaining(hint) as string });
    expect(more).toEqual([]);
  });

  it.each(['files/read_*', '*/send', 'files/resources:read', '*/prompts:get', 'm*/unspoken'])(
    'is not %s',
    (pattern) => {
      expect(found(`{id: r, effect: allow, tools: ["${pattern}"]}`)).toEqual([]);
    },
  );

  it('is pointed at where it stands', () => {
    const warnings = warningsOf(
      ['{id: r, effect: allow, tools: [files/read_file, files/x]}', everything],
      known,
    );
    expect(warnings.map(brief)).toEqual(['4:53 no-tool r']);
  });

  it('of a server that was not seen so far is believed, unless it looks like a slip', () => {
    const seen = { ...known, complete: false };
    expect(found('{id: r, effect: allow, tools: ["calendar/*"]}', seen)).toEqual([]);
    expect(found('{id: r, effect: allow, tools: ["flies/*"]}', seen)).toHaveLength(1);
  });
});

it('a tool that no rule is about is named', () => {
  const rules = ['{id: r, effect: allow, tools: ["files/*", "mail/send"]}'];
  expect(warningsOf(rules, known)).toMatchObject([
    {
      kind: 'unmentioned-tool',
      sentence: expect.stringContaining('mail/unspoken') as string,
      place: { line: 1 },
    },
  ]);
});

it('without tools nothing is said about them', () => {
  expect(warningsOf(['{id: r, effect: allow, tools: ["nobody/nothing"], when: "args.x == 1"}'])).toEqual([]);
});

describe('an argument that is not declared', () => {
  it.each([
    ['args.pth == "a"', 'did you mean args.path?'],
    ['args["pth"] == "a"', 'did you mean args.path?'],
    ['has(args.pth)', 'did you mean args.path?'],
    ['"pth" in args', 'did you mean args.path?'],
    ['args.options.forse == true', 'did you mean args.options.force?'],
    ['args.optins.force == true', 'did you mean args.options.force?'],
    ['args.recipient == "a"', 'does not declare args.recipient'],
    ['args.tags.exists(t, t == args.colour)', 'does not declare args.colour'],
  ])('is found: %s', (when, hint) => {
    const warnings = found(
      `{id: r, effect: allow, tools: ["files/read_file"], when: ${JSON.stringify(when)}}`,
    );
    expect(warnings).toEqual([
      { kind: 'undeclared-argument', sentence: expect.stringContaining(hint) as string },
    ]);
  });

  it.each([
    'args.path == "a"',
    'args.anything.at.all == 1',
    'args.tags[0] == "a"',
    'args[args.path] == 1',
    'args.all(name, name != "x")',
    'has(args.recipient) && args.recipient == "a"',
    '"recipient" in args',
  ])('is not %s', (when) => {
    expect(kindsOf(when)).toEqual([]);
  });

  it('is one if a single tool of several lacks it, unless the rule asks whether it is there or which tool it is', () => {
    expect(kindsOf('args.path == "a"', 'files/*')).toEqual(['undeclared-argument']);
    expect(kindsOf('!has(args.path) || args.path == "a"', 'files/*')).toEqual([]);
    expect(kindsOf('tool.name != "read_file" || args.path == "a"', 'files/*')).toEqual([]);
  });

  it('is none of a tool that takes others, or has no schema', () => {
    expect(kindsOf('args.cc == "a"', 'mail/*')).toEqual([]);
  });
});

describe('an argument of another type', () => {
  it.each([
    'args.path == 1',
    'args.head == "1"',
    'args.head.startsWith("1")',
    'args.path > 5',
    'args.tags == "a"',
    'args.tags.startsWith("a")',
    'args.path.all(x, x == "a")',
    '"a" in args.path',
    'args.options.force == "yes"',
    'args.path in [1, 2]',
  ])('is found: %s', (when) => {
    expect(kindsOf(when)).toEqual(['argument-type']);
  });

  it.each([
    'args.head > 1.5',
    'args.path == "1"',
    'args.nullable == null',
    'args.nullable == "a"',
    'args.either == 1',
    '"a" in args.tags',
    'args.tags.exists(x, x == "a")',
    '"force" in args.options',
    'args.anything == 5',
  ])('is not found: %s', (when) => {
    expect(kindsOf(when)).toEqual([]);
  });
});

describe('a value that its schema does not list', () => {
  it('is found, with the one that was meant', () => {
    const [warning] = found(`{id: r, effect: allow, tools: ["files/read_file"], when: 'args.mode == "txt"'}`);
    expect(warning).toEqual({
      kind: 'argument-value',
      sentence:
        'in the rule r, args.mode is never "txt": its schema lists other values, did you mean "text"?',
    });
    expect(kindsOf('args.mode in ["text", "raw"]')).toEqual(['argument-value']);
    expect(kindsOf('args.mode != "raw"')).toEqual(['argument-value']);
  });

  it('is none that it lists, or that is only a part of one', () => {
    expect(kindsOf('args.mode in ["text", "binary"]')).toEqual([]);
    expect(kindsOf('args.mode.startsWith("bin")')).toEqual([]);
  });
});

it('schemas of servers are believed to be anything', () => {
  const odd = [
    {},
    { properties: null },
    { properties: [] },
    { properties: { path: true } },
    { properties: { path: { type: 7 } } },
    { properties: { path: { enum: 'text' } } },
    { properties: { path: { enum: [1, null] } } },
    { properties: { path: { type: ['string', null] } } },
    JSON.parse('{"properties": {"__proto__": {"type": "string"}}}'),
  ] as JsonObject[];
  for (const inputSchema of odd) {
    const tools = [{ server: 'files', name: 'read_file', inputSchema }];
    expect(() =>
      warningsOf([`{id: r, effect: allow, tools: ["*/*"], when: 'args.path == "a"'}`], {
        tools,
        complete: true,
      }),
    ).not.toThrow();
  }
});
