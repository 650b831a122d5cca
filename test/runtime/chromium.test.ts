import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const script = fileURLToPath(new URL('../../scripts/chromium.mjs', import.meta.url));
const run = (named: string) => {
  const env = { ...process.env, CHROMIUM: named };
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { env, encoding: 'utf8' });
  return { status, path: stdout.trim(), explained: stderr.trim() !== '' };
};

describe('scripts/chromium.mjs', () => {
  it('prints the browser that was named, and looks for no other', () => {
    expect(run(process.execPath)).toEqual({ status: 0, path: process.execPath, explained: false });
  });

  it('does without where none is wanted', () => {
    expect(run('none')).toEqual({ status: 3, path: '', explained: true });
  });

  it('fails for one that is not there, rather than installing another', () => {
    expect(run('/nowhere/chromium')).toEqual({ status: 1, path: '', explained: true });
  });
});
