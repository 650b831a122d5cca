import { parseArgs } from 'node:util';
import { checkFiles, type CheckedFiles, type Warning } from '../runtime/policy/check-files.ts';
import { homeOf } from './home.ts';
import { homeFlags } from './home-options.ts';
import type { Command, Io } from './io.ts';
import { palette } from './paint.ts';
import { printable } from './printable.ts';
import { usage } from './report.ts';

const help = `Usage: countersign policy check FILE…|DIR [--tools FILE]… [--home DIR] [--ledger URL] [--strict] [--json]

Reads packs, or all of a folder, as one policy, as a gate would, and prints its digest, and warnings: file:line:column, a kind, a sentence. A
warning refuses nothing. Exit code: 0 it loads (with --strict: and there is no warning), 1 otherwise.
`;

export const policyCheckCommand: Command = {
  help,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...homeFlags,
        tools: { type: 'string', multiple: true, default: [] },
        strict: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    });
    if (positionals.length === 0) throw usage('policy check needs the files of a policy.');
    // The home is asked only when it is named: whoever checks a file may have none.
    const home = values.home === undefined && values.ledger === undefined ? undefined : homeOf(values, io);
    const checked = await checkFiles({ files: positionals, toolFiles: values.tools, home, cwd: io.cwd });
    io.stdout.write(values.json ? asJson(checked) : asText(checked, io));
    return values.strict && checked.warnings.length > 0 ? 1 : 0;
  },
};

function asJson({ policy, rules, tools, warnings }: CheckedFiles): string {
  const listed = warnings.map(({ kind, place, rule, sentence }) => ({
    kind,
    file: place.name,
    line: place.line,
    column: place.column,
    rule: rule ?? null,
    message: `${sentence}.`,
  }));
  const { id, digest } = policy;
  return `${JSON.stringify({ policy: { id, digest }, rules: rules.length, tools: tools ?? null, warnings: listed }, null, 2)}\n`;
}

function asText({ policy, rules, tools, warnings }: CheckedFiles, io: Io): string {
  const { bold, good, dim } = palette(io.stdout, io);
  const counted = [
    count(rules.length, 'rule'),
    ...(tools === undefined ? [] : [`compared with ${count(tools, 'tool')}`]),
    warnings.length === 0 ? good('no warning') : bold(count(warnings.length, 'warning')),
  ];
  const skipped =
    tools === undefined
      ? dim(
          'Not compared with any tools, so nothing is said of names and arguments: give --tools or --home.\n',
        )
      : '';
  return (
    warnings.map((warning) => lineOf(warning, io)).join('') +
    `${bold(policy.id)}  ${dim(`sha256:${policy.digest}`)}\n${counted.join(', ')}\n${skipped}`
  );
}

function lineOf({ kind, place, sentence }: Warning, io: Io): string {
  const { bold, bad } = palette(io.stdout, io);
  const where = `${printable(place.name)}:${place.line}:${place.column}`;
  return `${bold(where)}: ${bad(kind)}: ${printable(sentence)}.\n`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
