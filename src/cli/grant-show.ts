import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readAtMost } from '../call/read-at-most.ts';
import { grantersHere } from '../runtime/grants/granters-here.ts';
import { grantIn, readGrantText } from '../runtime/grants/grant-text.ts';
import { showGrant, type ShownChain, type ShownGrant } from '../runtime/grants/show-grant.ts';
import { homeLayout, homePath } from '../runtime/home/home-layout.ts';
import { homeOf } from './home.ts';
import type { Io } from './io.ts';
import { palette } from './paint.ts';
import { printable } from './printable.ts';
import { usage } from './report.ts';

const maxBytes = 65_536;

/** `grant show`: what a chain says, and whether this home would take it. */
export async function grantShow(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { home: { type: 'string' }, json: { type: 'boolean', default: false } },
  });
  if (positionals.length > 1) throw usage('grant show takes one file, or standard input.');
  const [file] = positionals;
  const text = file === undefined ? await readStdin(io) : readGrantText(resolve(io.cwd, file));
  const isHome = existsSync(homeLayout(homePath(values.home, io.env, io.cwd)).config);
  const granters = isHome ? await grantersHere(homeOf(values, io), io.env) : undefined;
  const shown = await showGrant(text, granters, Date.now());
  io.stdout.write(values.json ? asJson(shown, isHome) : asText(shown, isHome, io));
  return shown.refused === undefined && isHome ? 0 : 1;
}

async function readStdin({ stdin }: Io): Promise<string> {
  if ('isTTY' in stdin && stdin.isTTY)
    throw usage('Name a file with a grant, or send one on standard input.');
  const bytes = await readAtMost(stdin as AsyncIterable<Uint8Array>, maxBytes);
  if (bytes === undefined) throw usage('That is longer than a grant.');
  return grantIn(bytes);
}

function asJson({ grants, refused }: ShownChain, isHome: boolean): string {
  const shown = grants.map(({ lineage: _, expiresAt, ...grant }) => ({
    ...grant,
    expiresAt: new Date(expiresAt).toISOString(),
  }));
  const counts = refused === undefined && isHome;
  return `${JSON.stringify({ counts, ...(refused && { code: refused.code, message: refused.message }), grants: shown }, null, 2)}\n`;
}

function asText({ grants, refused }: ShownChain, isHome: boolean, io: Io): string {
  const { good, bad, dim } = palette(io.stdout, io);
  const verdict =
    refused !== undefined
      ? bad(`Does not count: ${printable(refused.message)} (${refused.code})`)
      : isHome
        ? good('Counts in this home, for the agent that it names last.')
        : bad('There is no home here that could say whether the granter is trusted.');
  return `${grants.map((grant) => grantText(grant, dim)).join('')}${verdict}\n`;
}

function grantText(grant: ShownGrant, dim: (text: string) => string): string {
  const { id, issuer, subject, tenant, tools, when, calls, budget, expiresAt, request } = grant;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['from', issuer],
    ['for', subject],
    ['tenant', tenant],
    ['tools', tools.length > 0 ? tools.join(', ') : 'none'],
    ...when.map((condition) => ['when', condition] as const),
    ['calls', calls === undefined ? undefined : `${calls} at most`],
    ['budget', budget && `${budget.limit} in all of ${budget.amount}`],
    ['request', request],
    ['until', new Date(expiresAt).toISOString()],
    ['handed on', grant.mayBeHandedOn ? 'by whoever has the key that it names' : 'by nobody'],
  ];
  const lines = rows.flatMap(([name, text]) =>
    text === undefined ? [] : [`  ${dim(name.padEnd(9))}  ${printable(text)}`],
  );
  return `${printable(id)}\n${lines.join('\n')}\n`;
}
