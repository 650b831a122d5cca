import { parseArgs } from 'node:util';
import { hex } from '../call/sha256.ts';
import { askWitnesses, forkClaim } from '../runtime/home/home-witnesses.ts';
import type { Asked } from '../runtime/home/home-witnesses.ts';
import { withHome } from '../runtime/home/with-home.ts';
import { homeOf } from './home.ts';
import type { Io } from './io.ts';
import { palette } from './paint.ts';
import { printable } from './printable.ts';
import { report, usage } from './report.ts';

/** `log witness`: shows the newest head to every witness of the home, and says who cosigned it. */
export async function logWitness(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { home: { type: 'string' }, json: { type: 'boolean', default: false } },
  });
  if (positionals.length > 0) throw usage('There is one argument too many. Try: countersign help log');
  const home = homeOf(values, io);
  const asked = await withHome(home, (opened) => askWitnesses(home, opened));
  io.stdout.write(values.json ? asJson(asked) : asText(asked, io));
  const claim = forkClaim(asked);
  if (claim !== undefined) return report(claim, io);
  return asked.answers.every(({ answer }) => answer.kind === 'cosigned') ? 0 : 1;
}

function asJson({ head: { size, root, checkpoint }, answers }: Asked): string {
  const witnesses = answers.map(({ witness: { key, url }, answer }) => ({
    name: key.name,
    url,
    ...(answer.kind === 'cosigned'
      ? { cosigned: true, time: timeOf(answer) }
      : { cosigned: false, forkClaimed: answer.kind === 'forked', reason: reasonOf(answer) }),
  }));
  return `${JSON.stringify({ size, rootHash: hex(root), checkpoint, witnesses })}\n`;
}

function asText({ head: { size, root }, answers }: Asked, io: Io): string {
  const { good, bad, dim } = palette(io.stdout, io);
  const rows = answers.map(({ witness: { key, url }, answer }) =>
    answer.kind === 'cosigned'
      ? `${good('✔')} ${printable(key.name)}  ${timeOf(answer)}  ${dim(url)}`
      : `${bad('✘')} ${printable(key.name)}  ${reasonOf(answer)}  ${dim(url)}`,
  );
  return [`${size} entries, root ${hex(root)}`, ...rows, ''].join('\n');
}

type Answer = Asked['answers'][number]['answer'];

function timeOf({ time }: Extract<Answer, { kind: 'cosigned' }>): string {
  return new Date(time * 1_000).toISOString();
}

function reasonOf(answer: Exclude<Answer, { kind: 'cosigned' }>): string {
  return answer.kind === 'ahead' ? 'the log grew faster than it could be asked' : answer.message;
}
