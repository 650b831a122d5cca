import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startAnthropicApi, toolUse, type AnthropicApi, type Script } from './anthropic-api.ts';
import { claudeCode, claudeHome, claudeProgram, type ClaudeHome } from './claude-code.ts';

const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function prepared(script: Script): Promise<AnthropicApi & ClaudeHome> {
  const api = await startAnthropicApi(script);
  const home = claudeHome();
  ends.push(api.close, home.remove);
  return { ...api, ...home };
}

const args = ['-p', 'go', '--permission-mode', 'bypassPermissions'];

describe.skipIf(claudeProgram === undefined)('the real Claude Code against a model that is a script', () => {
  it('runs the tools that the script says, tells the model their results, and says what the script ends with', async () => {
    const { home, cwd, ...api } = await prepared([
      [
        toolUse('toolu_1', 'Bash', { command: 'echo hi from $PWD' }),
        toolUse('toolu_2', 'Write', { file_path: 'a.txt', content: 'milk' }),
        toolUse('toolu_3', 'Read', { file_path: 'b.txt' }),
      ],
    ]);
    writeFileSync(join(cwd, 'b.txt'), 'butter');
    const ended = await claudeCode({ api, home, cwd, args: [...args, '--output-format', 'json'] });
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(ended.stdout)).toMatchObject({ subtype: 'success', result: 'done' });
    expect(api.told().get('toolu_1')).toBe(`hi from ${cwd}`);
    expect(api.told().get('toolu_3')).toContain('butter');
    expect(readdirSync(cwd).sort()).toEqual(['a.txt', 'b.txt']);
    expect(api.requests()).toHaveLength(2);
  });

  it('runs the hooks of the settings that it is given', async () => {
    const { home, cwd, ...api } = await prepared([[toolUse('toolu_1', 'Bash', { command: 'touch ran' })]]);
    const hook = { type: 'command', command: 'echo not today >&2; exit 2' };
    const settings = { hooks: { PreToolUse: [{ matcher: '*', hooks: [hook] }] } };
    const stream = [...args, '--output-format', 'stream-json', '--verbose'];
    const { code, stdout } = await claudeCode({ api, home, cwd, settings, args: stream });
    expect(code).toBe(0);
    expect(stdout.split('\n').length).toBeGreaterThan(3);
    expect(api.told().get('toolu_1')).toContain('not today');
    expect(readdirSync(cwd)).toEqual([]);
  });
});
