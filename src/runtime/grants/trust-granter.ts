import { renameSync, rmSync, writeFileSync } from 'node:fs';
import type { JsonObject } from '../../call/json.ts';
import { CountersignError } from '../../errors.ts';
import { granterKey, grantersOf, type WrittenGranter } from '../../identity/grants/granter.ts';
import { thumbprintOf } from '../../identity/tokens/jwk-thumbprint.ts';
import { syncDirectory } from '../../ledger/sync-directory-node.ts';
import { asApiKeyWriter } from '../home/api-key-lock.ts';
import type { Home } from '../home/open-home.ts';
import { withHome } from '../home/with-home.ts';
import { readGranters } from './home-granters.ts';

/** Thumbprints (RFC 7638) of a granter’s keys: what two people compare. */
export function thumbprintsOf({ keys }: Pick<WrittenGranter, 'keys'>): readonly string[] {
  return keys.map((jwk) => {
    const key = granterKey(jwk);
    return (key && thumbprintOf(key.jwk)) ?? '';
  });
}

/**
 * Has the grants of somebody count in this home, in place of what was said of the name before. It is stated before it counts: a
 * crash in between leaves a statement of a granter whom no gate knows. CONFIG_INVALID for keys that cannot be used.
 */
export function trustGranter(home: Home, granter: WrittenGranter): Promise<void> {
  grantersOf([granter]);
  return changeGranters(home, granter.name, 'granter-trusted', granter);
}

/** Has them count no more. It counts before it is stated: a log that is full must not keep a stolen key alive. NOT_FOUND. */
export function distrustGranter(home: Home, name: string): Promise<void> {
  return changeGranters(home, name, 'granter-removed', undefined);
}

/** One change at a time; commands that change API keys wait for it as well. */
function changeGranters(
  home: Home,
  name: string,
  kind: 'granter-trusted' | 'granter-removed',
  granter: WrittenGranter | undefined,
): Promise<void> {
  const { layout } = home;
  return asApiKeyWriter(layout, async () => {
    const before = readGranters(layout.granters);
    const found = before.find((each) => each.name === name);
    const others = before.filter((each) => each !== found);
    if (granter === undefined) {
      if (found === undefined)
        throw new CountersignError(
          'NOT_FOUND',
          'Nobody of this name is trusted here. See: countersign grant list',
        );
      writeGranters(layout.granters, others);
      return state(home, name, kind, found);
    }
    grantersOf([...others, granter]);
    await state(home, name, kind, granter);
    writeGranters(layout.granters, [...others, granter]);
  });
}

/** A head for each name says what was stated of it last. */
function state(home: Home, name: string, kind: string, granter: WrittenGranter): Promise<void> {
  return withHome(home, async ({ ledger, recordChange }) => {
    const key = `granter/${name}`;
    const value = (await ledger.heads([key])).get(key) ?? null;
    const { tenant, human } = granter;
    const keys: JsonObject[] = thumbprintsOf(granter).map((thumbprint) => ({ thumbprint }));
    await recordChange({
      change: { kind, granter: { name, tenant, keys, ...(human && { human: { ...human } }) } },
      expects: [{ key, value }],
      sets: [{ key, value: `${kind} ${thumbprintsOf(granter).join(' ')}` }],
    });
  });
}

/** Whole, durable, and only then seen. */
function writeGranters(file: string, granters: readonly WrittenGranter[]): void {
  const draft = `${file}.new`;
  rmSync(draft, { force: true });
  const text = `${JSON.stringify({ granters }, null, 2)}\n`;
  writeFileSync(draft, text, { mode: 0o600, flag: 'wx', flush: true });
  renameSync(draft, file);
  syncDirectory(file);
}
