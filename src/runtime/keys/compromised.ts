import { existsSync, readFileSync } from 'node:fs';
import { hex } from '../../call/sha256.ts';
import type { KeyPurpose, TreeHeadFacts } from '../../envelope/facts.ts';
import { CountersignError } from '../../errors.ts';
import { parseCheckpoint } from '../../tlog/checkpoint.ts';
import type { HomeLayout } from '../home/home-layout.ts';
import type { HomeLedger } from '../home/home-ledger.ts';
import { proveConsistent } from '../log/log-evidence.ts';
import type { Home } from '../home/open-home.ts';

/** `compromised.json`: what verifiers are told with `--compromised`. */
export interface Compromised {
  readonly version: 1;
  readonly keys: readonly CompromisedKey[];
}

export interface CompromisedKey {
  readonly purpose: KeyPurpose;
  /** Hex, of the SubjectPublicKeyInfo. */
  readonly sha256: string;
  /** Whatever the key signed counts only if it stands in this tree: never a date, as the key's holder writes dates. */
  readonly lastTrusted: TreeHeadFacts;
}

/** Throws HOME_INVALID when the home's file cannot be read. */
export function readCompromised({ compromised }: HomeLayout): Compromised {
  if (!existsSync(compromised)) return { version: 1, keys: [] };
  try {
    return JSON.parse(readFileSync(compromised, 'utf8')) as Compromised;
  } catch (error) {
    throw new CountersignError('HOME_INVALID', `${compromised} cannot be read as JSON.`, { cause: error });
  }
}

/** The file's next text, with more keys. */
export function withDeclaration(layout: HomeLayout, ...more: readonly CompromisedKey[]): string {
  const { keys } = readCompromised(layout);
  return compromisedText({ version: 1, keys: [...keys, ...more] });
}

export function compromisedText(compromised: Compromised): string {
  return `${JSON.stringify(compromised, null, 2)}\n`;
}

/**
 * The last tree head that is trusted: a checkpoint that was kept, if this log signed it and continues it (CONFIG_INVALID,
 * LOG_FORKED), or the newest of all.
 */
export async function lastTrustedHead(
  home: Home,
  { ledger }: Pick<HomeLedger, 'ledger'>,
  kept?: string,
): Promise<TreeHeadFacts> {
  const newest = await ledger.checkpoint();
  const checkpoint = parseCheckpoint(kept ?? newest?.text ?? '');
  if (newest === null || checkpoint === undefined) {
    throw new CountersignError('CONFIG_INVALID', 'This is no checkpoint of a log.');
  }
  if (kept !== undefined) {
    await proveConsistent(home, { ledger }, { checkpoint: kept }, { size: newest.size });
  }
  const { origin, size, root } = checkpoint;
  return { origin, treeSize: size, rootHash: hex(root) };
}
