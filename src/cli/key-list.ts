import { parseArgs } from 'node:util';
import type { StoredApiKey } from '../runtime/home/api-key-records.ts';
import { apiKeyState, listApiKeys, type ApiKeyState } from '../runtime/home/api-keys.ts';
import { homeOf } from './home.ts';
import { homeFlags } from './home-options.ts';
import type { Io } from './io.ts';
import { keyJson } from './key-text.ts';
import { palette, type Paint } from './paint.ts';

/** `key list`: every key that was made, by its id. */
export function keyList(args: readonly string[], io: Io): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...homeFlags,
      json: { type: 'boolean', default: false },
    },
  });
  const keys = listApiKeys(homeOf(values, io).layout);
  const now = Date.now();
  io.stdout.write(
    values.json
      ? `${JSON.stringify(
          keys.map((key) => keyJson(key, now)),
          null,
          2,
        )}\n`
      : keys.map((key) => keyText(key, now, io)).join(''),
  );
  return Promise.resolve(0);
}

/** A line for what it is, and one for what it is for, where it is for less than everything. */
function keyText(key: StoredApiKey, now: number, io: Io): string {
  const { bold, dim, good, bad } = palette(io.stdout, io);
  const paints: Readonly<Record<ApiKeyState, Paint>> = {
    active: good,
    ending: bold,
    expired: dim,
    revoked: bad,
  };
  const { id, tenant, agents, tools, cidrs, createdAt, notAfter, successor } = key;
  const state = apiKeyState(key, now);
  const end = notAfter === undefined ? '' : `  until ${minutes(notAfter)}`;
  const limits = [
    ...(tools === undefined ? [] : [`tools ${tools.join(', ') || 'none'}`]),
    ...(cidrs === undefined ? [] : [`networks ${cidrs.join(', ') || 'none'}`]),
    ...(successor === undefined ? [] : [`successor ${successor}`]),
  ];
  const first = `${bold(id)}  ${paints[state](state.padEnd(8))}${agents.join(', ')} of ${tenant}  ${dim(`made ${minutes(createdAt)}${end}`)}\n`;
  return limits.length === 0 ? first : `${first}    ${dim(limits.join('; '))}\n`;
}

/** In UTC, as everything in the log is. */
function minutes(instant: string): string {
  return `${new Date(instant).toISOString().slice(0, 16).replace('T', ' ')}Z`;
}
