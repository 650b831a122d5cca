import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import type { Decision, Policy, PolicyInput } from '../../../src/policy/policy.ts';
import { compilePolicy } from '../../../src/policy/compile.ts';
import { agentOnly } from './inputs.ts';

/** One case of a pack: what differs from a call by an agent alone, and what must be decided. */
export interface PackCase {
  readonly title: string;
  readonly input: Partial<PolicyInput>;
  readonly expect: { readonly verdict: Decision['verdict']; readonly code: string; readonly rule?: string };
}

export interface PackCases {
  readonly policy: Policy;
  readonly cases: readonly PackCase[];
}

/** Reads `NAME.cases.yaml`: the packs beside it that `policies` lists, and their cases. */
export function readPackCases(file: string): PackCases {
  const { policies, cases } = parse(readFileSync(file, 'utf8')) as { policies: string[]; cases: PackCase[] };
  const sources = policies.map((name) => ({ name, text: readFileSync(join(dirname(file), name), 'utf8') }));
  return { policy: compilePolicy(sources), cases };
}

export function inputOf({ input }: PackCase): PolicyInput {
  return { ...agentOnly, ...input, tool: { ...agentOnly.tool, ...input.tool } };
}
