import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/call/sha256.ts';
import {
  commandDefinition,
  payloadOf,
  readCommandArguments,
  startOf,
  type ExecArguments,
  type ShellArguments,
} from '../../src/targets/command-arguments.ts';

const text = fc.string({ unit: 'grapheme' }).filter((word) => !word.includes('\0'));
const name = text.filter((word) => word !== '' && !word.includes('='));
const record = <T>(of: fc.Arbitrary<T>) =>
  fc.uniqueArray(fc.tuple(name, of), { selector: ([key]) => key.toUpperCase().toLowerCase(), maxLength: 5 });
const stdin = fc.oneof(
  fc.constant({ kind: 'none' } as const),
  fc.constant({ kind: 'terminal' } as const),
  fc.record({ kind: fc.constant('bytes' as const), bytes: fc.nat(), sha256: text }),
);

const base: ExecArguments = {
  ...{ command: '/bin/echo', argv: ['echo', 'a'] },
  ...{ cwd: '/', env: {}, secrets: {}, stdin: { kind: 'none' } },
};
const script: ShellArguments = {
  ...{ shell: '/bin/sh', script: 'id', args: ['x'] },
  ...{ cwd: '/', env: {}, secrets: {}, stdin: { kind: 'none' } },
};

describe('the arguments of a command', () => {
  it('are read as they were written, whatever their words and names are', () => {
    fc.assert(
      fc.property(text, fc.array(text), record(text), stdin, (cwd, argv, env, input) => {
        const given: ExecArguments = { ...base, argv, cwd, env: Object.fromEntries(env), stdin: input };
        let payload;
        try {
          payload = payloadOf(given);
        } catch (error) {
          // Names that differ in case alone, in a way that only Unicode knows.
          expect(error).toMatchObject({ code: 'ARGUMENTS_AMBIGUOUS' });
          return;
        }
        expect(JSON.stringify(readCommandArguments(payload.bytes))).toBe(JSON.stringify(given));
        expect(JSON.stringify(payload.value)).toBe(JSON.stringify(given));
      }),
    );
  });

  it('are nothing else: what is no such object is ARGUMENTS_INVALID', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(() => readCommandArguments(utf8(json))).toThrow();
      }),
    );
    for (const key of Object.keys(base)) {
      const missing = Object.fromEntries(Object.entries(base).filter(([each]) => each !== key));
      expect(() => readCommandArguments(utf8(JSON.stringify(missing)))).toThrow(
        expect.objectContaining({ code: 'ARGUMENTS_INVALID' }),
      );
    }
  });

  it('start a program with its words, and a script with a shell that is called sh', () => {
    expect(startOf(base)).toEqual({ file: '/bin/echo', argv0: 'echo', args: ['a'] });
    expect(startOf(script)).toEqual({ file: '/bin/sh', argv0: 'sh', args: ['-c', 'id', 'sh', 'x'] });
  });

  it('declare every one of them, so that each is committed to by itself', () => {
    for (const given of [base, script]) {
      const { properties } = commandDefinition(given)['inputSchema'] as { properties: object };
      expect(Object.keys(properties)).toEqual(Object.keys(given));
    }
  });
});
