import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { repository } from '../architecture/source.ts';
import { blocks } from '../docs/pages.ts';

const folder = join(repository, 'examples', 'ci-deploy');
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');

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

describe('the example ci-deploy', () => {
  it('shows what its README shows: one deployment that ran, three that were refused, signed and verified', async () => {
    const { code, said } = await runDemo();
    expect({ code, said }).toMatchObject({ code: 0 });
    expect(said.trim()).toBe(blocks(read('README.md'), 'text')[0]?.trim());
  });

  it('runs the same step in the pipeline, and keeps its evidence whatever came of it', () => {
    const { jobs } = parse(read('pipeline.yaml')) as {
      jobs: { staging: { steps: { run?: string; if?: string; with?: { path: string } }[] } };
    };
    const { steps } = jobs.staging;
    expect(steps.map(({ run }) => run)).toContain('./step.sh staging');
    expect(steps.at(-1)).toMatchObject({ if: 'always()', with: { path: 'evidence/' } });
  });
});
