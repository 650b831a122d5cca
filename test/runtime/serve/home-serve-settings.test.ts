import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readHomeServeSettings } from '../../../src/runtime/serve/serve-settings.ts';

const policy = `version: 1
name: home
rules:
  - { id: all, effect: allow, tools: ['*/*'] }
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'home-settings-'));
  writeFileSync(join(folder, 'policy.yaml'), policy);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const settings = () =>
  readHomeServeSettings({
    configFile: join(folder, 'countersign.yaml'),
    homePolicy: join(folder, 'policy.yaml'),
    socket: '/run/gate.sock',
    env: {},
  });

describe('a home that is served without a configuration', () => {
  it('decides by its own policy, on a socket alone', () => {
    const { config, policy: compiled, declared, servers, files } = settings();
    expect(config.listen).toEqual({ socket: '/run/gate.sock' });
    expect(compiled.id).toBe('home');
    expect([declared.actions.size, servers.size]).toEqual([0, 0]);
    expect(files).toEqual([join(folder, 'policy.yaml')]);
  });

  it('takes of its countersign.yaml what that says of identity and notices, and serves nothing of the rest', () => {
    writeFileSync(
      join(folder, 'countersign.yaml'),
      `version: 1
listen: { host: 0.0.0.0, port: 80 }
actions: { pay: { parameters: {}, request: { url: '\${env:NOWHERE}' } } }
identity: { commit: [network.ip] }
notify: { ops: { url: 'https://hooks.example.org/' } }
`,
    );
    const { config, declared, files } = settings();
    expect(config.listen).toEqual({ socket: '/run/gate.sock' });
    expect(config.identity?.commit).toEqual(['network.ip']);
    expect(Object.keys(config.notify)).toEqual(['ops']);
    expect(declared.actions.size).toBe(0);
    expect(files).toContain(join(folder, 'countersign.yaml'));
  });

  it('is refused where that identity is not understood', () => {
    writeFileSync(join(folder, 'countersign.yaml'), 'version: 1\nidentity: { humans: 7 }\n');
    expect(settings).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});
