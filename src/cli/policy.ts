import type { Command } from './io.ts';
import { verbCommand, type Verb, type Verbs } from './verbs.ts';

const help = `Usage: countersign policy check FILE…|DIR… [--tools FILE]… [--home DIR] [--strict] [--json]
       countersign policy test FILE…|DIR… [--coverage report|strict|off] [--junit FILE] [--json]
       countersign policy explain|simulate|suggest …

check     reads packs as one policy, as a gate would, and says what in them is hardly meant: file, line, column, kind
            --tools FILE  also compares with these tools: what “countersign tools list --json” prints, or the answer of one
                          server to tools/list, then SERVER=FILE (the file’s name names the server without)
            --home DIR    also compares with the tools that the gates of this home have seen
            --strict      any warning is a failure
test      runs the cases beside packs (NAME.cases.yaml), those of a folder all, and says which rules they leave open
            --coverage    report (the default) lists rules without a case that they decide and one that they do not;
                          strict fails on them; off says nothing
            --junit FILE  writes the results as JUnit XML too
explain   shows for one call which rule decided, and the value of every part of its condition
simulate  decides recorded calls again under a changed policy, and prints what would have changed
suggest   proposes rules from what was recorded in shadow, for a person to review

countersign policy help VERB tells more of the last three. Exit code: 0 done, 1 refused or failed, 2 misuse.

  countersign policy check policy.yaml
  countersign policy test policies --coverage strict
`;

/** Each loads on its own, as the commands do. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  check: async () => (await import('./policy-check.ts')).policyCheckCommand,
  test: async () => (await import('./policy-test.ts')).policyTestCommand,
  explain: async () => (await import('./policy-explain.ts')).policyExplainCommand,
  simulate: async () => (await import('./policy-simulate.ts')).policySimulateCommand,
  suggest: async () => (await import('./policy-suggest.ts')).policySuggestCommand,
};

export const policyCommand = verbCommand('policy', help, {
  ...each(({ run }) => run),
  help: () => Promise.resolve(verbCommand('policy', help, each(telling)).run),
});

function each(use: (command: Command) => Verb): Verbs {
  const verbs = Object.entries(commands).map(
    ([name, load]) => [name, async () => use(await load())] as const,
  );
  return Object.fromEntries(verbs);
}

function telling({ help: text }: Command): Verb {
  return (_, { stdout }) => {
    stdout.write(text);
    return Promise.resolve(0);
  };
}
