import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repository } from '../architecture/source.ts';
import { blocks } from '../docs/pages.ts';

const folder = join(repository, 'examples', 'ot-pressure');

/** Both streams and the exit code of the demo, run as its README says. */
function runDemo(): Promise<{ readonly code: number | null; readonly said: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(folder, 'demo.ts')], { cwd: repository });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
    child.once('close', (code) => resolve({ code, said }));
  });
}

describe('the example ot-pressure', () => {
  it('shows what its README shows: one call that ran, four tries that were blocked, signed and verified', async () => {
    const { code, said } = await runDemo();
    expect({ code, said }).toMatchObject({ code: 0 });
    const [shown = ''] = blocks(readFileSync(join(folder, 'README.md'), 'utf8'), 'text');
    expect(withoutKey(said)).toBe(withoutKey(shown));
    expect(said.match(/verified: countersign verify --expect deny/g)).toHaveLength(4);
  }, 60_000);
});

/** The id of a key is another one in each home. */
function withoutKey(text: string): string {
  return text.replace(/key-[0-9a-f]{12}/, 'key-…').trim();
}
