import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { logVkeys } from '../../src/runtime/log/log-vkeys.ts';

const read = (path: string): string =>
  readFileSync(new URL(`../vectors/envelope/${path}`, import.meta.url), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'countersign-vkeys-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const now = Date.parse('2026-11-22T00:00:00Z');

/** The vkeys of the outside trust root when its log's key ends then. */
function vkeys(end?: string): Promise<readonly string[]> {
  const trust = JSON.parse(read('trusted_root.json'));
  if (end !== undefined) trust.tlogs[0].publicKey.validFor.end = end;
  const trustedRoot = join(folder, 'trusted_root.json');
  writeFileSync(trustedRoot, JSON.stringify(trust));
  return logVkeys({ trustedRoot }, now);
}

it('a log’s keys are written as other tools write them', async () => {
  expect(await vkeys()).toEqual([read('log.vkey').trim()]);
});

it('a log’s key that has ended is not given to witnesses, and one that will end is', async () => {
  expect(await vkeys('2026-11-21T23:59:59Z')).toEqual([]);
  expect(await vkeys('2026-11-22T00:00:01Z')).toHaveLength(1);
});
