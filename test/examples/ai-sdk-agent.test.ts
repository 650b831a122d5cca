import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repository } from '../architecture/source.ts';
import { blocks } from '../docs/pages.ts';

const folder = join(repository, 'examples', 'ai-sdk-agent');

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

describe('the example ai-sdk-agent', () => {
  it('shows what its README shows: a refund that ran and one that was refused, signed and verified', async () => {
    const { code, said } = await runDemo();
    expect({ code, said }).toMatchObject({ code: 0 });
    const [shown = ''] = blocks(readFileSync(join(folder, 'README.md'), 'utf8'), 'text');
    expect(said.trim()).toBe(shown.trim());
    expect(said.match(/countersign verify --expect (?:executed|deny)/g)).toHaveLength(2);
  }, 60_000);
});
