import { parseArgs } from 'node:util';
import { authorityOfAgents, newJoinToken, type NewJoinToken } from '../runtime/enrol/operate.ts';
import { parseDuration } from './duration.ts';
import { homeOf } from './home.ts';
import { homeFlags } from './home-options.ts';
import type { Io } from './io.ts';
import { palette } from './paint.ts';
import { usage } from './report.ts';

const options = {
  ...homeFlags,
  json: { type: 'boolean', default: false },
} as const;

const longest = 7 * 86_400_000;

/** `enroll token`: what a workload joins with. */
export async function enrollToken(args: readonly string[], io: Io): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { ...options, agent: { type: 'string' }, expires: { type: 'string', default: '10m' } },
  });
  if (values.agent === undefined) throw usage('Say for which agent: countersign enroll token --agent NAME');
  const lifetime = lifetimeOf(values.expires);
  const token = await newJoinToken(homeOf(values, io), values.agent, lifetime);
  io.stdout.write(values.json ? `${JSON.stringify(shown(token), null, 2)}\n` : asText(token, io));
  return 0;
}

/** `enroll authority`: what certifies agents, made unless it is there. */
export async function enrollAuthority(args: readonly string[], io: Io): Promise<number> {
  const { values } = parseArgs({ args: [...args], options });
  const { certificate, file } = await authorityOfAgents(homeOf(values, io));
  io.stdout.write(values.json ? `${JSON.stringify({ certificate, file }, null, 2)}\n` : certificate);
  return 0;
}

function lifetimeOf(text: string): number {
  const ms = parseDuration(text) ?? 0;
  if (ms === 0 || ms > longest) throw usage('--expires is a time such as 10m or 12h, at most 7d.');
  return ms;
}

function shown({ id, agent, notAfter, text }: NewJoinToken) {
  return { token: text, id, agent, notAfter: new Date(notAfter).toISOString() };
}

function asText({ id, agent, notAfter, text }: NewJoinToken, io: Io): string {
  const { bold, dim } = palette(io.stdout, io);
  return [
    bold(text),
    dim(`${id}: once, until ${new Date(notAfter).toISOString()}, for ${agent}. It is not shown again.`),
    '',
  ].join('\n');
}
