import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../architecture/source.ts';
import { blocks } from '../docs/pages.ts';

/** A demo that was run as its README says. */
export interface Demo {
  readonly code: number | null;
  /** Both of its streams. */
  readonly said: string;
  /** What the README says that it prints. */
  readonly shown: string;
}

export function exampleFolder(name: string): string {
  return join(repository, 'examples', name);
}

export async function runDemo(name: string): Promise<Demo> {
  const folder = exampleFolder(name);
  const [shown = ''] = blocks(readFileSync(join(folder, 'README.md'), 'utf8'), 'text');
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(folder, 'demo.ts')], { cwd: repository });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
    child.once('close', (code) => resolve({ code, said: said.trim(), shown: shown.trim() }));
  });
}
