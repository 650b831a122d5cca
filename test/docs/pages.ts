import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../architecture/source.ts';

/** The pages that tell users what to type, by path. */
export const pages: ReadonlyMap<string, string> = new Map(
  readdirSync(join(repository, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join('docs', file))
    .concat('README.md', 'CONTRIBUTING.md')
    .map((path) => [path, readFileSync(join(repository, path), 'utf8')]),
);

export function page(path: string): string {
  const text = pages.get(path);
  if (text === undefined) throw new Error(`There is no page ${path}.`);
  return text;
}

/** The fenced blocks of one language. */
export function blocks(text: string, language: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(
    ([, code]) => code ?? '',
  );
}

/** What stands under a heading of the second level, up to the next one. */
export function section(text: string, heading: string): string {
  return text.split(/^(?=## )/m).find((part) => part.startsWith(`## ${heading}\n`)) ?? '';
}

/** The first cell of each row of a text's tables. */
export function firstCells(text: string): string[] {
  return [...text.matchAll(/^\| (.*?) +\|/gm)].map(([, cell]) => cell ?? '');
}
