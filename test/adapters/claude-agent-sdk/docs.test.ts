import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { blocks, page } from '../../docs/pages.ts';
import { startAnthropicApi, toolUse } from '../../support/anthropic-api.ts';
import { awaitedClaude, claudeEnv, claudeHome, claudeProgram } from '../../support/claude-code.ts';
import { openWorld } from '../world.ts';
import { clerk } from './example.ts';

it('shows the very program that is compiled here', () => {
  const program = readFileSync(new URL('example.ts', import.meta.url), 'utf8')
    .replace('../../../src/index.ts', 'countersign')
    .replace('../../../adapters/claude-agent-sdk/index.ts', 'countersign/claude-agent-sdk');
  expect(blocks(page('docs/claude-agent-sdk.md'), 'ts')[0]).toBe(program);
});

it.skipIf(claudeProgram === undefined)('shows a program that works', async () => {
  const { gate, asked, logged, close } = await openWorld();
  const note = toolUse('toolu_1', 'mcp__notes__add_note', { text: 'milk' });
  const api = await startAnthropicApi([[note, toolUse('toolu_2', 'Bash', { command: 'echo butter' })]]);
  const { home, cwd, remove } = claudeHome();
  const { ended, spawnClaudeCodeProcess } = awaitedClaude();
  const options = {
    cwd,
    spawnClaudeCodeProcess,
    env: claudeEnv(api, home),
    permissionMode: 'bypassPermissions',
    allowDangerouslySkipPermissions: true,
  } as const;
  const said: unknown[] = [];
  for await (const message of clerk(gate, 'token-of-one', 'Note the milk.', options)) said.push(message);
  expect(said.at(-1)).toMatchObject({ type: 'result', result: 'done' });
  expect(api.told().get('toolu_1')).toBe('added milk');
  expect(asked.map(({ call, options: { humanToken } }) => [call.tool, humanToken])).toEqual([
    ['add_note', 'token-of-one'],
    ['Bash', 'token-of-one'],
  ]);
  expect((await logged()).map(({ kind }) => kind)).toEqual(['allow', 'outcome', 'allow', 'outcome']);
  await Promise.all([ended(), api.close(), close()]);
  remove();
});
