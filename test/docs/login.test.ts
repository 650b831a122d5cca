import { describe, expect, it } from 'vitest';
import { reasonCodes } from '../../src/names.ts';
import { resourceOf, readActing } from '../../src/runtime/config/read-acting.ts';
import { readConfig } from '../../src/runtime/config/read.ts';
import { blocks, page } from './pages.ts';

const login = page('docs/login.md');
const upstream = page('docs/upstream-credentials.md');
const env = { GATE_SECRET: 'x', TICKETS_TOKEN: 'y' };

describe('docs/login.md', () => {
  it('shows sections that are valid', () => {
    const [withLogin = '', withCommand = ''] = blocks(login, 'yaml');
    const acting = readActing({ name: 'docs/login.md', text: withLogin, env });
    expect(resourceOf(acting)).toBe('https://gate.example.com');
    expect(readActing({ name: 'docs/login.md', text: withCommand, env }).human?.command).toHaveLength(3);
    for (const text of [withLogin, withCommand]) readConfig({ name: 'x', text: `version: 1\n${text}`, env });
  });
});

describe('docs/upstream-credentials.md', () => {
  it('shows configurations that are valid', () => {
    const [shared = '', each = ''] = blocks(upstream, 'yaml');
    readConfig({ name: 'x', text: `version: 1\n${shared}`, env });
    const { servers } = readConfig({ name: 'x', text: each, env });
    expect(servers['files']).toHaveProperty('onBehalf.clientSecret', 'x');
  });

  it('needs somebody who is believed about people, and one header for one thing', () => {
    const [, each = ''] = blocks(upstream, 'yaml');
    for (const text of [
      each.replace(/identity:[^]*servers:/, 'servers:'),
      each.replace('    onBehalf:', '    transport: sse\n    onBehalf:'),
      each.replace('    onBehalf:', '    headers: { Authorization: z }\n    onBehalf:'),
    ])
      expect(() => readConfig({ name: 'x', text, env })).toThrow(/onBehalf/);
  });
});

it('both name codes that there are', () => {
  const named = [...`${login}${upstream}`.matchAll(/`([A-Z]+_[A-Z_]+)`/g)].map(([, code]) => code ?? '');
  const codes: readonly string[] = reasonCodes;
  expect(named.filter((code) => !codes.includes(code) && !code.startsWith('COUNTERSIGN_'))).toEqual([]);
});
