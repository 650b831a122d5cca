import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repository } from '../architecture/source.ts';

const wrangler = join(
  dirname(createRequire(import.meta.url).resolve('wrangler/package.json')),
  'bin/wrangler.js',
);
const page = readFileSync(join(repository, 'docs/cloudflare.md'), 'utf8');

describe('wrangler', () => {
  it(
    'deploys this repository’s Worker, in the size that docs/cloudflare.md states',
    { timeout: 120_000 },
    () => {
      const out = mkdtempSync(join(tmpdir(), 'countersign-wrangler-'));
      try {
        const { status, stdout, stderr } = spawnSync(
          process.execPath,
          [wrangler, 'deploy', '--dry-run', '--outdir', out],
          {
            cwd: repository,
            encoding: 'utf8',
            env: { PATH: process.env['PATH'], HOME: out, CI: '1', WRANGLER_SEND_METRICS: 'false' },
          },
        );
        expect([status, stderr]).toEqual([0, expect.not.stringMatching(/error|warning/i)]);
        expect(stdout).toMatch(/env\.LOG \(Log\)/);
        expect(stdout).toMatch(/env\.TILES/);
        const found = /Total Upload: ([\d.]+) KiB \/ gzip: ([\d.]+) KiB/.exec(stdout)?.slice(1).map(Number);
        const stated = /The Worker has ([\d,]+) KiB \(([\d,]+) KiB compressed\)/.exec(page)?.slice(1);
        expect(found).toHaveLength(2);
        for (const [i, size] of (found ?? []).entries()) {
          const said = Number(stated?.[i]?.replaceAll(',', ''));
          expect(Math.abs(size / said - 1), `${size} KiB, and the page says ${said}`).toBeLessThan(0.1);
        }
      } finally {
        rmSync(out, { recursive: true, force: true });
      }
    },
  );

  it('is told the same by the example but for what stands in for the package', () => {
    const own = readFileSync(join(repository, 'wrangler.toml'), 'utf8');
    const example = readFileSync(join(repository, 'examples/cloudflare-worker/wrangler.toml'), 'utf8');
    const expected = own
      .replace(/^#.*\n/m, '')
      .replace('examples/cloudflare-worker/worker.js', 'worker.js')
      .replace(/\[alias\]\n.*\n\n/, '');
    expect(example).toBe(expected);
  });
});
