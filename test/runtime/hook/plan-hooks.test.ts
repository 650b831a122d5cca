import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hookHosts } from '../../../src/gateway/hooks/hosts.ts';
import { applyHooks } from '../../../src/runtime/hook/install/apply-hooks.ts';
import { jsonText } from '../../../src/runtime/hosts/json-text.ts';
import { hookFiles } from '../../../src/runtime/hook/install/hook-files.ts';
import { hookLine, isHookLine } from '../../../src/runtime/hook/install/hook-line.ts';
import {
  planHooks,
  planNoHooks,
  type HookPlanOptions,
} from '../../../src/runtime/hook/install/plan-hooks.ts';

let home: string;
beforeEach(() => (home = mkdtempSync(join(tmpdir(), 'hooks-'))));
afterEach(() => rmSync(home, { recursive: true, force: true }));

const at = (host: string): HookPlanOptions => ({
  host,
  where: { home, project: join(home, 'work'), env: {} },
  scope: 'user',
});
const line = (host: string, ...options: string[]): string =>
  hookLine({ program: ['/opt/node', '/opt/countersign.js'], host, options }, 'linux');

const install = (host: string, ...options: string[]): void =>
  planHooks(line(host, ...options), at(host)).forEach(applyHooks);
const uninstall = (host: string): void => planNoHooks(at(host)).forEach(applyHooks);
const changes = (host: string): boolean =>
  planHooks(line(host), at(host)).some(({ edit }) => edit.before !== edit.after);

const settings = (): string => join(home, '.claude', 'settings.json');
function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** Every file below the folder but what was kept of former content. */
function files(): readonly string[] {
  return readdirSync(home, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !/\.bak(?:-\d+)?$/.test(path));
}

describe('installing hooks', () => {
  it.each([...hookHosts.keys()])(
    'names a place for %s, twice the same, and taken away without a trace',
    (host) => {
      install(host);
      const made = files();
      expect(made.length).toBeGreaterThan(0);
      for (const path of made)
        expect(readFileSync(path, 'utf8')).toContain(`/opt/countersign.js hook ${host}`);
      expect(changes(host)).toBe(false);
      install(host);
      expect(files()).toEqual(made);

      uninstall(host);
      for (const path of files()) expect(readFileSync(path, 'utf8')).not.toContain('countersign');
    },
  );

  it.each([...hookHosts.keys()])('writes down for %s a time limit well above the hook’s own', (host) => {
    const kind = hookFiles[host];
    if (kind?.kind !== 'json') return;
    const { timeout, hostTimeout } = hookHosts.get(host)!;
    const written = kind
      .entries('x')
      .map(({ entry }) => Number(entry['timeout'] ?? entry['timeoutSec'] ?? NaN));
    for (const limit of written.filter((each) => !Number.isNaN(each)))
      expect([hostTimeout, hostTimeout * 1_000]).toContain(limit);
    expect(hostTimeout).toBeGreaterThanOrEqual(timeout + 10);
  });

  it('has every host tell of what its person asks, and none hold that up when the hook fails', () => {
    const prompts = [
      'UserPromptSubmit',
      'BeforeAgent',
      'beforeSubmitPrompt',
      'userPromptSubmitted',
      'pre_user_prompt',
    ];
    for (const [host, given] of Object.entries(hookFiles)) {
      const events = given.kind === 'programs' ? given.events : given.entries('x').map(({ event }) => event);
      expect([host, events.filter((event) => prompts.includes(event))]).toEqual([host, [expect.any(String)]]);
      const entry = given.kind === 'json' && given.entries('x').find(({ event }) => prompts.includes(event));
      expect(entry && ('onFailure' in entry.entry || 'failClosed' in entry.entry)).toBe(false);
    }
  });

  it('has every host block on failure that can', () => {
    install('claude-code');
    install('cursor');
    expect(JSON.parse(readFileSync(settings(), 'utf8'))).toMatchObject({
      hooks: { PreToolUse: [{ matcher: '*', hooks: [{ onFailure: 'block', timeout: 60 }] }] },
    });
    expect(JSON.parse(readFileSync(join(home, '.cursor', 'hooks.json'), 'utf8'))).toMatchObject({
      version: 1,
      hooks: { preToolUse: [{ failClosed: true }] },
    });
  });

  it('keeps comments, order and the hooks of others, and leaves them when it goes', () => {
    const before = `{
  // mine
  "permissions": { "allow": ["Read"] },
  "hooks": {
    "PreToolUse": [
      { "matcher": "Bash", "hooks": [{ "type": "command", "command": "./check.sh" }] } // and this
    ]
  },
  "model": "opus"
}
`;
    write(settings(), before);
    install('claude-code');
    const after = readFileSync(settings(), 'utf8');
    for (const kept of ['// mine', './check.sh', '// and this', '"permissions": { "allow": ["Read"] }'])
      expect(after).toContain(kept);
    expect(readFileSync(`${settings()}.bak`, 'utf8')).toBe(before);
    uninstall('claude-code');
    const given = readFileSync(settings(), 'utf8');
    expect(given).toContain('// mine');
    const kept = { disableSkillShellExecution: true };
    expect(jsonText.parse(given)).toEqual({ ...(jsonText.parse(before) as object), ...kept });
  });

  it('shuts what no hook is asked about, and leaves it shut: commands in Claude Code’s skills', () => {
    write(settings(), '{ "disableSkillShellExecution": false }');
    install('claude-code');
    expect(jsonText.parse(readFileSync(settings(), 'utf8'))).toMatchObject({
      disableSkillShellExecution: true,
    });
    uninstall('claude-code');
    expect(jsonText.parse(readFileSync(settings(), 'utf8'))).toEqual({ disableSkillShellExecution: true });
  });

  it('replaces what an earlier one has put there with other options', () => {
    install('claude-code', '--approve');
    install('claude-code', '--gate', 'https://gate.example');
    const text = readFileSync(settings(), 'utf8');
    expect(text).not.toContain('--approve');
    expect(text.match(/hook claude-code/g)).toHaveLength(5);
  });

  it('takes its own hook out of a group that a person put another one into', () => {
    const theirs = { type: 'command', command: './check.sh' };
    const ours = { type: 'command', command: line('claude-code') };
    write(
      settings(),
      JSON.stringify({ hooks: { PreToolUse: [{ matcher: 'Bash', hooks: [ours, theirs] }] } }),
    );
    uninstall('claude-code');
    expect(JSON.parse(readFileSync(settings(), 'utf8'))).toEqual({
      hooks: { PreToolUse: [{ matcher: 'Bash', hooks: [theirs] }] },
    });
  });

  it.each([
    ['no JSON', '{"hooks": '],
    ['a list', '[]'],
    ['hooks that are none', '{"hooks": 1}'],
    ['an event that is no list', '{"hooks":{"PreToolUse":{}}}'],
    ['hooks twice', '{"hooks":{},"hooks":{"PreToolUse":[]}}'],
  ])('refuses %s, and leaves it alone', (_, text) => {
    write(settings(), text);
    expect(() => install('claude-code')).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(readFileSync(settings(), 'utf8')).toBe(text);
  });

  it('makes Cline’s hooks programs, and refuses to stand in the place of another one', () => {
    install('cline');
    const program = join(home, 'Documents', 'Cline', 'Hooks', 'PreToolUse');
    expect(statSync(program).mode & 0o777).toBe(0o700);
    uninstall('cline');
    expect(files()).toEqual([]);
    write(program, '#!/bin/sh\necho mine\n');
    expect(() => install('cline')).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    uninstall('cline');
    expect(readFileSync(program, 'utf8')).toContain('mine');
  });
});

describe('a hook’s command line', () => {
  it('survives a shell', () => {
    expect(hookLine({ program: ['/my apps/node'], host: 'codex', options: ['--ca', "a'b"] }, 'linux')).toBe(
      `'/my apps/node' hook codex --ca 'a'\\''b'`,
    );
  });

  it('is known as ours for its host alone', () => {
    expect(isHookLine(line('claude-code', '--approve'), 'claude-code')).toBe(true);
    expect(isHookLine('countersign hook claude-code', 'claude-code')).toBe(true);
    expect(isHookLine(`'/a b/countersign.js' hook claude-code`, 'claude-code')).toBe(true);
    for (const other of [
      'countersign hook codex',
      'countersign hook claude-codex',
      'echo hook claude-code',
      7,
    ])
      expect(isHookLine(other, 'claude-code')).toBe(false);
  });
});
