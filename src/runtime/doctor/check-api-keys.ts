import { existsSync } from 'node:fs';
import { CountersignError } from '../../errors.ts';
import type { StoredApiKey } from '../home/api-key-records.ts';
import { apiKeyState, listApiKeys } from '../home/api-keys.ts';
import type { HomeLayout } from '../home/home-layout.ts';
import { findings, type Finding } from './finding.ts';

const { note, problem } = findings('home');

/** A key that ends within this time, and has no successor, is about to be missed. Milliseconds. */
const soon = 7 * 86_400_000;

/** Whether a home has API keys that count, and which of them end soon. */
export function checkApiKeys(layout: HomeLayout, now: number): readonly Finding[] {
  // Where there is none to look at, `checkHome` says so.
  if (!existsSync(layout.config)) return [];
  try {
    return findingsOf(listApiKeys(layout), layout, now);
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    return [problem(layout.apiKeys, `every call is refused: ${error.message} (${error.code})`)];
  }
}

function findingsOf(keys: readonly StoredApiKey[], { apiKeys }: HomeLayout, now: number): readonly Finding[] {
  const counting = keys.filter((key) => ['active', 'ending'].includes(apiKeyState(key, now)));
  if (counting.length === 0)
    return [
      problem(apiKeys, 'no key in it counts, so every call is refused. Make one: countersign key create'),
    ];
  return counting.flatMap(({ id, notAfter, successor }) =>
    notAfter !== undefined && successor === undefined && Date.parse(notAfter) < now + soon
      ? [note(apiKeys, `${id} ends at ${notAfter}. Give its agent another one: countersign key rotate ${id}`)]
      : [],
  );
}
