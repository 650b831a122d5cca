import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { JsonObject } from '../../src/call/json.ts';

/** What a policy may see of a call: what is called, and what came of it. */
export interface ReplayedCall {
  readonly tool: string;
  readonly args: JsonObject;
  readonly result: string;
}

/** A call beside what only scoring may know of it. */
export interface ScoredCall extends ReplayedCall {
  readonly side_effect: boolean;
  readonly essential: boolean;
}

export interface Case {
  readonly suite: string;
  readonly case_id: string;
  readonly kind: 'user' | 'injection';
  readonly user_prompt: string;
  readonly calls: readonly ScoredCall[];
  /** After which call of a user's task what was injected is visible. */
  readonly injection_visible_after_call: number | null;
}

const fallback = resolve(import.meta.dirname, '../../../shared/benchmarks');

/** The cases, or why there are none. The directory is the environment's `COUNTERSIGN_BENCHMARKS`. */
export function loadCases(): readonly Case[] | string {
  const file = join(process.env['COUNTERSIGN_BENCHMARKS'] ?? fallback, 'agentdojo.json');
  if (!existsSync(file))
    return `agentdojo is left out: there is no ${file}. Set COUNTERSIGN_BENCHMARKS to the directory that has it.`;
  return JSON.parse(readFileSync(file, 'utf8')) as Case[];
}
