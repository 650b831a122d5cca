import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { policyCommand } from '../../src/cli/policy.ts';
import { warningKinds } from '../../src/policy/check/warning.ts';
import { blocks, firstCells, page, section } from './pages.ts';

const guide = page('docs/policy-authoring.md');
const folder = mkdtempSync(join(tmpdir(), 'countersign-authoring-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const [mail = '', cases = '', odd = ''] = blocks(guide, 'yaml');
writeFileSync(join(folder, 'mail.yaml'), mail);
writeFileSync(join(folder, 'mail.cases.yaml'), cases);
writeFileSync(join(folder, 'odd.yaml'), odd);

async function printed(...commands: readonly string[]): Promise<string> {
  let out = '';
  const output = { write: (text: string) => (out += text), isTTY: false };
  for (const command of commands) {
    const io = { stdin: Readable.from([]), stdout: output, stderr: output, env: {}, cwd: folder };
    await policyCommand.run(command.split(' '), io);
  }
  return out;
}

describe('the guide to writing a policy', () => {
  it('prints what the commands print', async () => {
    const [first, second] = blocks(guide, 'text');
    expect(await printed('check mail.yaml', 'test mail.yaml')).toBe(first);
    expect(await printed('check odd.yaml')).toBe(second);
  });

  it('has no other pack than those', () => {
    expect(blocks(guide, 'yaml')).toHaveLength(3);
  });

  it('names every kind of warning, in its order, and no other', () => {
    const kinds = firstCells(section(guide, 'What check says')).flatMap(
      (cell) => /^`([a-z-]+)`$/.exec(cell)?.[1] ?? [],
    );
    expect(kinds).toEqual(warningKinds);
  });
});
