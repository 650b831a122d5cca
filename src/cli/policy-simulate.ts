import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { systemCode } from '../errors.ts';
import { withLog } from '../runtime/former/former.ts';
import {
  simulateExport,
  simulatePolicy,
  type Change,
  type Simulation,
} from '../runtime/policy/simulate-log.ts';
import { readPolicyFile } from '../runtime/policy/policy-files.ts';
import { homeOf } from './home.ts';
import { homeFlags, type HomeOptions } from './home-options.ts';
import type { Command, Io } from './io.ts';
import { palette } from './paint.ts';
import { sinceOf } from './policy-time.ts';
import { printable } from './printable.ts';
import { progressOn } from './progress.ts';
import { usage } from './report.ts';

const help = `Usage: countersign policy simulate FILE… [--since TIME] [-n COUNT] [--json] [--home DIR] [--ledger URL]
       countersign policy simulate FILE… --export DIR --openings FILE [--since TIME] [-n COUNT] [--json]

Decides the calls of the log anew, by another policy, and prints what would have changed. Nothing is written and nothing is run.
Each recorded input must open what its verdict signed, or it is not believed.

  --since TIME     calls decided from then on: 2026-01-31, or 2026-01-31T12:00:00Z
  --former ORIGIN  the calls of a log that has ended (countersign log former)
  --export DIR     the calls of an exported log (countersign log export), which holds no inputs
  --openings FILE  their inputs: what “countersign disclose CALL_ID --field input” printed, a line each. Audit the export first
  -n COUNT         how many changes are listed, the newest; default 100
  --json           counts and changes as JSON

Rates and budgets are counted over the recorded times. Who would be asked is shown as “ask”: nobody is. Left out, and counted, are
calls that the gate itself refused, and those whose input is not kept.

Exit code: 0 nothing would change, 1 something would, or an input was altered, 2 misuse.
`;

export const policySimulateCommand: Command = {
  help,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...homeFlags,
        former: { type: 'string' },
        export: { type: 'string' },
        openings: { type: 'string' },
        since: { type: 'string' },
        count: { type: 'string', short: 'n', default: '100' },
        json: { type: 'boolean', default: false },
      },
    });
    if (positionals.length === 0) throw usage('Name the policy: countersign policy simulate FILE.');
    const since = sinceOf(values.since);
    const keep = countOf(values.count);
    const sources = positionals.map((file) => readPolicyFile(resolve(io.cwd, file), file));
    const progress = progressOn(io, 'replayed');
    const options = { since, keep, onProgress: progress.show };
    const found = await simulateWhere(values, sources, options, io).finally(progress.end);
    io.stdout.write(values.json ? `${JSON.stringify(found, null, 2)}\n` : simulationText(found, io));
    return found.changed > 0 || found.leftOut.altered > 0 ? 1 : 0;
  },
};

interface Where extends HomeOptions {
  readonly former?: string | undefined;
  readonly export?: string | undefined;
  readonly openings?: string | undefined;
}

async function simulateWhere(
  where: Where,
  sources: Parameters<typeof simulatePolicy>[1],
  options: Parameters<typeof simulatePolicy>[2],
  io: Io,
): Promise<Simulation> {
  const { export: directory, openings: file } = where;
  if (directory === undefined) {
    if (file !== undefined) throw usage('--openings is for an exported log: say --export DIR.');
    return withLog(homeOf(where, io), where.former, ({ ledger }) => simulatePolicy(ledger, sources, options));
  }
  const openings = file === undefined ? undefined : await contentOf(file, io);
  return simulateExport(resolve(io.cwd, directory), openings, sources, options);
}

async function contentOf(file: string, { cwd }: Io): Promise<string> {
  try {
    return await readFile(resolve(cwd, file), 'utf8');
  } catch (error) {
    throw usage(`${file} cannot be read (${systemCode(error)}).`);
  }
}

function countOf(text: string): number {
  if (!/^\d{1,7}$/.test(text) || Number(text) > 1_000_000) throw usage('-n takes a count from 0 to 1000000.');
  return Number(text);
}

function simulationText(found: Simulation, io: Io): string {
  const { bold, bad, dim } = palette(io.stdout, io);
  const { changes, changed, altered, byEffect } = found;
  const kinds = Object.entries(byEffect).map(([kind, count]) => `  ${count}  ${kind}`);
  const unlisted = changed - changes.length;
  return [
    ...changes.map(changeLine),
    ...(unlisted > 0 ? [dim(`${unlisted} earlier changes are not listed: -n ${changed}`)] : []),
    ...(changes.length > 0 || unlisted > 0 ? [''] : []),
    bold(`${found.replayed} of ${count(found.calls, 'call')} decided anew: ${changed} would change.`),
    ...kinds,
    ...(found.otherRule > 0
      ? [`  ${found.otherRule} would be decided alike, by another rule or for another reason`]
      : []),
    ...leftOutLines(found),
    ...altered.map((callId) => bad(`The kept input of ${callId} is not what was signed: it was altered.`)),
  ]
    .map((line) => `${line}\n`)
    .join('');
}

function changeLine({ time, tool, agent, callId, was, would }: Change): string {
  const by = would.rule === undefined ? would.code : `${would.code} ${would.rule}`;
  return [
    time,
    printable(`${tool.server}/${tool.name}`),
    printable(agent ?? '-'),
    `${was.effect} → ${would.effect}`,
    printable(by),
    callId,
  ].join('  ');
}

const leftOutTexts = {
  gate: 'decided by the gate itself',
  notKept: 'whose input is not kept',
  sealed: 'whose input is sealed',
  altered: 'whose kept input was altered',
  unseen: 'whose input lacks the history or origins that this policy asks for',
} as const;

function leftOutLines({ leftOut }: Simulation): string[] {
  return (Object.keys(leftOutTexts) as (keyof typeof leftOutTexts)[])
    .filter((why) => leftOut[why] > 0)
    .map((why) => `  left out: ${count(leftOut[why], 'call')} ${leftOutTexts[why]}`);
}

function count(number: number, what: string): string {
  return `${number} ${number === 1 ? what : `${what}s`}`;
}
