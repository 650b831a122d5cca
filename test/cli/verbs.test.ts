import { describe, expect, it } from 'vitest';
import type { Io } from '../../src/cli/io.ts';
import { verbCommand, type Verb } from '../../src/cli/verbs.ts';

const io = {} as Io;

/** What the verbs of a command were asked. */
function asked(args: readonly string[]): Promise<string> {
  let said = '';
  const verb = (name: string) => () => {
    const run: Verb = (rest) => {
      said = [name, ...rest].join(' ');
      return Promise.resolve(0);
    };
    return Promise.resolve(run);
  };
  const command = verbCommand('thing', 'help', { list: verb('list'), make: verb('make') });
  return command.run(args, io).then(() => said);
}

describe('the word that says what a command does', () => {
  it.each([
    ['the first one', ['make', 'list', '--json'], 'make list --json'],
    ['behind options', ['--json', 'list', 'make'], 'list --json make'],
  ])('is %s', async (_, args, said) => {
    await expect(asked(args)).resolves.toBe(said);
  });

  it.each([
    ['none', []],
    ['one that it is not', ['lst', 'make']],
    ['one that every object has', ['toString']],
    ['one that every object has, behind options', ['--json', 'constructor']],
  ])('is asked for where there is %s', async (_, args) => {
    await expect(asked(args)).rejects.toMatchObject({
      code: 'USAGE',
      message: 'Say one of: thing list, make. Try: countersign help thing',
    });
  });
});
