import { readFileSync } from 'node:fs';
import type { HookAnswer } from '../../../src/gateway/hooks/hook-host.ts';
import { hookHosts } from '../../../src/gateway/hooks/hosts.ts';
import type { JsonObject } from '../../../src/call/json.ts';

/** What a host sends, by event, and how it would understand an answer: see `recorded/README.md`. */
export interface Recorded {
  readonly host: string;
  readonly events: Readonly<Record<string, JsonObject>>;
  readonly before: JsonObject;
  readonly denies: (answer: Said) => boolean;
}

type Said = Pick<HookAnswer, 'stdout'> & ({ readonly exitCode: number } | { readonly code: number });

export const recorded: readonly Recorded[] = [...hookHosts.keys()].map((host) => {
  const file = new URL(`recorded/${host}.json`, import.meta.url);
  const events = JSON.parse(readFileSync(file, 'utf8')) as Record<string, JsonObject>;
  const before = events['before'];
  if (before === undefined) throw new Error(`${host} has recorded no event before a call`);
  return { host, events, before, denies: host === 'cline' ? cancels : exitsWithTwo };
});

function exitsWithTwo(answer: Said): boolean {
  return ('code' in answer ? answer.code : answer.exitCode) === 2;
}

function cancels({ stdout }: Said): boolean {
  return (JSON.parse(stdout) as { cancel?: unknown }).cancel === true;
}
