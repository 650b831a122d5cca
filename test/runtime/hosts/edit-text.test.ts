import fc from 'fast-check';
import { parse } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { CountersignError } from '../../../src/errors.ts';
import { changesBetween, withValue } from '../../../src/runtime/hosts/changes.ts';
import { editText } from '../../../src/runtime/hosts/edit-text.ts';
import { jsonText } from '../../../src/runtime/hosts/json-text.ts';
import { statementsOf } from '../../../src/runtime/hosts/toml-statements.ts';
import { tomlText } from '../../../src/runtime/hosts/toml-text.ts';

function json(text: string, path: readonly string[], value: unknown): string {
  return editText(jsonText, text, withValue(jsonText.parse(text), path, value));
}

function toml(text: string, path: readonly string[], value: unknown): string {
  return editText(tomlText, text, withValue(tomlText.parse(text), path, value));
}

function codeOf(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return error instanceof CountersignError ? error.code : error;
  }
}

describe('a step in JSON', () => {
  it('leaves comments, order, indentation and line ends as they are', () => {
    const text =
      '{\r\n\t// mine\r\n\t"b": 1, /* two */\r\n\t"a": {\r\n\t\t"args": [\r\n\t\t\t"x", // why\r\n\t\t],\r\n\t},\r\n}\r\n';
    expect(json(text, ['a', 'args'], ['w', '--', 'x'])).toBe(
      text.replace('"x", // why', '"w",\r\n\t\t\t"--",\r\n\t\t\t"x", // why'),
    );
    expect(json(text, ['a', 'env'], { K: 'v' })).toContain('\t\t"env": {\r\n\t\t\t"K": "v"\r\n\t\t}');
  });

  it('keeps a list on one line there', () => {
    expect(json('{ "args": ["x"] }', ['args'], ['a', 'b', 'x'])).toBe('{ "args": ["a", "b", "x"] }');
    expect(json('{ "args": [] }', ['args'], ['a', 'b'])).toBe('{ "args": ["a", "b"] }');
  });

  it('that is taken back leaves the text that was, byte for byte', () => {
    const item = fc.string({ unit: 'grapheme', maxLength: 6 });
    fc.assert(
      fc.property(
        fc.array(item, { minLength: 1, maxLength: 4 }),
        fc.array(item, { minLength: 1, maxLength: 4 }),
        fc.constantFrom(undefined, 1, 2, '\t'),
        (front, args, indent) => {
          const before = JSON.stringify({ other: [1], s: { args } }, null, indent);
          const between = json(before, ['s', 'args'], [...front, ...args]);
          // Where both lists begin alike, it cannot be told which elements were there first.
          fc.pre(changesBetween(jsonText.parse(between), jsonText.parse(before))[0]?.kind === 'drop');
          const after = json(between, ['s', 'args'], args);
          expect(jsonText.parse(after)).toEqual(jsonText.parse(before));
          if (indent !== undefined) expect(after).toBe(before);
        },
      ),
    );
  });

  it('is refused where a key is there twice, and hosts may read either', () => {
    const text = '{"s": {"command": "a"}, "s": {"command": "b"}}';
    expect(codeOf(() => json(text, ['s', 'command'], 'c'))).toBe('CONFIG_INVALID');
  });

  it('takes a name of JavaScript for a name', () => {
    const after = json(
      '{"mcpServers": {"__proto__": {"command": "a"}}}',
      ['mcpServers', '__proto__', 'command'],
      'b',
    );
    expect(after).toBe('{"mcpServers": {"__proto__": {"command": "b"}}}');
  });
});

const config = `model = "x" # fast
[[things]]
command = "not a server"

[mcp_servers.files]   # the files
command = 'npx'
args = [
  "-y", # yes
  'server "x"',
]
startup_timeout_sec = 10

[mcp_servers.files.env]
TOKEN = """t
[mcp_servers.fake]
"""

[mcp_servers."two words"]
url = "https://x.example/mcp"
`;

describe('a step in TOML', () => {
  it('changes its own value and nothing else', () => {
    expect(toml(config, ['mcp_servers', 'files', 'command'], 'node "1"\u007f')).toBe(
      config.replace("'npx'", '"node \\"1\\"\\u007f"'),
    );
    expect(toml(config, ['mcp_servers', 'files', 'args'], ['w', '-y', 'server "x"'])).toBe(
      config.replace('"-y", # yes', '"w",\n  "-y", # yes'),
    );
  });

  it('puts a new key behind the last one of its table', () => {
    expect(toml(config, ['mcp_servers', 'files', 'env_vars'], ['K'])).toBe(
      config.replace('sec = 10\n', 'sec = 10\nenv_vars = ["K"]\n'),
    );
    expect(toml(config, ['mcp_servers', 'files', 'env', 'K-1'], 'v')).toContain('"""\nK-1 = "v"\n');
    expect(toml('[mcp_servers.a]', ['mcp_servers', 'a', 'env'], { 'a b': 'c' })).toBe(
      '[mcp_servers.a]\nenv = { "a b" = "c" }',
    );
  });

  it('takes whole lines out, and tables with what is in them', () => {
    expect(toml(config, ['mcp_servers', 'files', 'startup_timeout_sec'], undefined)).toBe(
      config.replace('startup_timeout_sec = 10\n', ''),
    );
    const after = toml(config, ['mcp_servers', 'files', 'env'], undefined);
    expect(after).not.toContain('TOKEN');
    expect(after).toContain('two words');
  });

  it.each([
    ['dotted keys', 'mcp_servers.a.command = "x"\nmcp_servers.a.args = ["y"]\n'],
    ['quoted keys', '["mcp_servers".\'a\']\n"command" = "x"\nargs = ["y"]\n'],
    ['an inline table', 'mcp_servers = { a = { command = "x", args = ["y"] } }\n'],
    ['Windows line ends', '[mcp_servers.a]\r\ncommand = "x"\r\nargs = ["y"]\r\n'],
  ])('is right, or refused, however it is written: %s', (_, text) => {
    const after = toml(text, ['mcp_servers', 'a', 'args'], ['w', 'y']);
    expect(parse(after)).toEqual({ mcp_servers: { a: { command: 'x', args: ['w', 'y'] } } });
    expect(after.includes('\r')).toBe(text.includes('\r'));
  });

  it('is refused where there is no table to put it into', () => {
    const text = 'mcp_servers.a.command = "x"\n';
    expect(codeOf(() => toml(text, ['mcp_servers', 'a', 'args'], ['y']))).toBe('CONFIG_INVALID');
  });

  it('never changes what other tables say, whatever stands in their strings', () => {
    const texts = fc.string({ unit: fc.constantFrom(...'ab[]=#,{}\n"\'\\ '), maxLength: 12 });
    fc.assert(
      fc.property(texts, texts, fc.array(texts, { maxLength: 3 }), (before, after, args) => {
        const quote = (text: string): string => JSON.stringify(text);
        const text = [
          `a = ${quote(before)}`,
          '[mcp_servers.x] # [mcp_servers.x]',
          `command = ${quote(after)} # "`,
          `args = [${args.map(quote).join(' , # ]\n')}\n]`,
          '[other]',
          `command = ${quote(before)}`,
        ].join('\n');
        const wanted = withValue(parse(text), ['mcp_servers', 'x', 'args'], ['w', ...args]);
        const edited = editText(tomlText, text, wanted);
        expect(changesBetween(parse(edited), wanted)).toEqual([]);
        expect(statementsOf(text)).toHaveLength(6);
      }),
    );
  });
});
