import { parseArgs } from 'node:util';
import { CountersignError } from '../errors.ts';
import { withLog } from '../runtime/former/former.ts';
import { suggestFromLog, type LogSuggestion } from '../runtime/policy/suggest-log.ts';
import { homeOf } from './home.ts';
import { homeFlags } from './home-options.ts';
import type { Command } from './io.ts';
import { sinceOf } from './policy-time.ts';
import { progressOn } from './progress.ts';
import { usage } from './report.ts';

const help = `Usage: countersign policy suggest [--denied] [--since TIME] [--least COUNT] [--name NAME] [--home DIR] [--ledger URL]

Proposes a pack from the calls of the log that were decided in shadow: for each tool one rule that allows what its calls had in
common, and no more. For a person to review: the pack is in shadow, and says from how many calls each part comes.

  --denied         also from calls that were denied since no rule allows them
  --since TIME     calls decided from then on: 2026-01-31, or 2026-01-31T12:00:00Z
  --former ORIGIN  the calls of a log that has ended (countersign log former)
  --least COUNT    fewer calls to a tool than this carry a warning; default 3
  --name NAME      the pack's name; default “suggested”

Nothing that is proposed allows a call that a rule denied. What looks like a secret, or tells of a person, is not written out. The
pack goes to standard output: check it with “countersign policy check”.

Exit code: 0 a pack was proposed, 1 there is nothing to propose one from, 2 misuse.
`;

export const policySuggestCommand: Command = {
  help,
  async run(args, io) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        ...homeFlags,
        former: { type: 'string' },
        since: { type: 'string' },
        denied: { type: 'boolean', default: false },
        least: { type: 'string', default: '3' },
        name: { type: 'string', default: 'suggested' },
      },
    });
    const { denied } = values;
    const options = {
      denied,
      since: sinceOf(values.since),
      least: leastOf(values.least),
      name: nameOf(values.name),
    };
    const progress = progressOn(io, 'read');
    const found = await withLog(homeOf(values, io), values.former, ({ ledger }) =>
      suggestFromLog(ledger, { ...options, onProgress: progress.show }),
    ).finally(progress.end);
    for (const line of notesOf(found)) io.stderr.write(`${line}\n`);
    const { suggestion } = found;
    if (suggestion === undefined || suggestion.rules === 0) throw nothingFound(denied, found);
    io.stdout.write(suggestion.text);
    return 0;
  },
};

function leastOf(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw usage('--least takes a count from 1 to 999999.');
  return Number(text);
}

function nameOf(name: string): string {
  if (/^[a-z0-9][a-z0-9._-]{0,63}$/.test(name)) return name;
  throw usage('--name takes at most 64 small letters, digits, dots, dashes and underscores.');
}

function nothingFound(denied: boolean, { from }: LogSuggestion): CountersignError {
  if (from > 0)
    return new CountersignError('NOT_FOUND', 'No rule can be proposed for the tools that were called.');
  return new CountersignError(
    'NOT_FOUND',
    denied
      ? 'The log has no call, in shadow or denied since no rule allows it, whose input is kept.'
      : 'The log has no call that was decided in shadow and whose input is kept. With --denied, those count too that no rule allows.',
  );
}

function notesOf({ from, leftOut, suggestion }: LogSuggestion): readonly string[] {
  const { denied, failed, notKept, altered } = leftOut;
  const note = (count: number, what: string): string[] =>
    count === 0 ? [] : [`  left out: ${count} ${what}`];
  return [
    `${suggestion?.rules ?? 0} rules from ${from} calls.`,
    ...note(denied, 'that a rule denied: nothing here allows them'),
    ...note(failed, 'that failed otherwise: a condition was an error, or a demand was not met'),
    ...note(notKept, 'whose input is not kept, or sealed'),
    ...note(altered, 'whose kept input is not what was signed: it was altered'),
    ...note(suggestion?.beyond ?? 0, 'to more tools than one pack has room for'),
    ...note(suggestion?.without.length ?? 0, 'tools, as the pack says: no rule can be proposed for them'),
  ];
}
