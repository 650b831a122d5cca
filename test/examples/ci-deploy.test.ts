import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { exampleFolder, runDemo } from './run-demo.ts';

describe('the example ci-deploy', () => {
  it('shows what its README shows: one deployment that ran, three that were refused, signed and verified', async () => {
    const { code, said, shown } = await runDemo('ci-deploy');
    expect({ code, said }).toEqual({ code: 0, said: shown });
  }, 60_000);

  it('runs the same step in the pipeline, and keeps its evidence whatever came of it', () => {
    const { jobs } = parse(readFileSync(join(exampleFolder('ci-deploy'), 'pipeline.yaml'), 'utf8')) as {
      jobs: { staging: { steps: { run?: string; if?: string; with?: { path: string } }[] } };
    };
    const { steps } = jobs.staging;
    expect(steps.map(({ run }) => run)).toContain('./step.sh staging');
    expect(steps.at(-1)).toMatchObject({ if: 'always()', with: { path: 'evidence/' } });
  });
});
