import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repository } from '../architecture/source.ts';
import { blocks } from '../docs/pages.ts';

const folder = join(repository, 'examples', 'langchain-agent');

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

describe('the example langchain-agent', () => {
  it('shows what its README shows: what ran, what did not, and that each answer verifies', async () => {
    const { code, said } = await runDemo();
    expect({ code, said }).toMatchObject({ code: 0 });
    const [shown = ''] = blocks(readFileSync(join(folder, 'README.md'), 'utf8'), 'text');
    expect(said.trim()).toBe(shown.trim());
  }, 60_000);
});
