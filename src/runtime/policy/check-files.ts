import { resolve } from 'node:path';
import { checkPolicy, type CheckedPolicy } from '../../policy/check/check.ts';
import type { KnownTool, KnownTools } from '../../policy/check/known-tool.ts';
import type { Home } from '../home/open-home.ts';
import { withHome } from '../home/with-home.ts';
import { findPacks } from './case-files.ts';
import { readPolicyFile } from './policy-files.ts';
import { readToolsFile, rememberedTools } from './known-tools.ts';

export type { CheckedPolicy } from '../../policy/check/check.ts';
export type { Warning } from '../../policy/check/warning.ts';

export interface CheckOptions {
  /** Packs, or folders of them. */
  readonly files: readonly string[];
  /** `FILE` or `SERVER=FILE`. */
  readonly toolFiles: readonly string[];
  /** Whose remembered definitions count. */
  readonly home?: Home | undefined;
  readonly cwd: string;
}

export interface CheckedFiles extends CheckedPolicy {
  /** How many tools were compared with; undefined when none were given. */
  readonly tools: number | undefined;
}

/** Reads packs as one policy and checks them. Throws POLICY_INVALID or POLICY_UNREADABLE, and what opening a home throws. */
export async function checkFiles({ files, toolFiles, home, cwd }: CheckOptions): Promise<CheckedFiles> {
  const sources = findPacks(files, cwd).map((file) => readPolicyFile(resolve(cwd, file), file));
  const given = toolFiles.flatMap((file) => readToolsFile(file, (path) => resolve(cwd, path)));
  const known = home === undefined ? givenTools(given, toolFiles) : await withRemembered(home, given);
  return { ...checkPolicy(sources, known), tools: known?.tools.length };
}

function givenTools(tools: readonly KnownTool[], files: readonly string[]): KnownTools | undefined {
  return files.length === 0 ? undefined : { tools, complete: true };
}

function withRemembered(home: Home, given: readonly KnownTool[]): Promise<KnownTools> {
  return withHome(home, async ({ ledger }) => ({
    tools: [...given, ...(await rememberedTools(ledger))],
    complete: false,
  }));
}
