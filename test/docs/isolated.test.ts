import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/runtime/config/read.ts';
import { repository } from '../architecture/source.ts';
import { page } from './pages.ts';

const text = page('docs/isolated.md');
const example = (name: string): string =>
  readFileSync(join(repository, 'examples', 'isolated', name), 'utf8');
const unit = example('countersign.service');

const setting = (name: string): readonly string[] =>
  [...unit.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value]) => value ?? '');

const has = (command: string): boolean => spawnSync(command, ['--version']).error === undefined;

describe('examples/isolated/countersign.service', () => {
  it.skipIf(!has('systemd-analyze'))('is one that systemd takes', () => {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-unit-'));
    try {
      const file = join(folder, 'countersign.service');
      // The command need not be installed here.
      writeFileSync(file, unit.replace('/usr/local/bin/countersign', '/bin/true'));
      const { status, stderr } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('gives the gate a user of its own, and its group the socket alone', () => {
    expect(setting('User')).toEqual(['countersign']);
    expect(setting('Group')).toEqual(['countersign-callers']);
    expect(setting('StateDirectoryMode')).toEqual(['0700']);
    expect(setting('RuntimeDirectoryMode')).toEqual(['0750']);
    expect(setting('NoNewPrivileges')).toEqual(['true']);
    expect(setting('CapabilityBoundingSet')).toEqual(['']);
  });

  it('and the page speak of the same places', () => {
    for (const place of [
      '/etc/countersign/countersign.yaml',
      '/run/countersign/gate.sock',
      '/var/lib/countersign/home',
    ]) {
      expect(unit).toContain(place);
      expect(text).toContain(place.replace('/countersign.yaml', '/'));
    }
  });
});

describe('examples/isolated/dev.countersign.gate.plist', () => {
  const plist = parsePlist(example('dev.countersign.gate.plist'));

  it('is a property list that says the same as the unit', () => {
    const [, command = ''] = /^ExecStart=(.*)$/m.exec(unit) ?? [];
    const socket = '/var/db/countersign/run/gate.sock';
    expect(plist).toMatchObject({
      Label: 'dev.countersign.gate',
      ProgramArguments: command.replace('/run/countersign/gate.sock', socket).split(' '),
      UserName: '_countersign',
      GroupName: '_countersign_callers',
      Umask: 0o077,
      RunAtLoad: true,
      HardResourceLimits: { Core: 0 },
    });
    expect(text).toContain('/var/db/countersign/run');
  });

  it.each([
    '<plist><dict><key>a</key></dict></plist>',
    '<plist><dict></plist>',
    '<plist><key>a</key></plist>',
    'x',
  ])('a wrong one is noticed: %s', (wrong) => {
    expect(() => parsePlist(wrong)).toThrow();
  });
});

describe('examples/isolated/countersign.yaml', () => {
  it('is a configuration in isolated mode, with the server that the page calls', () => {
    const config = readConfig({ name: 'countersign.yaml', text: example('countersign.yaml'), env: {} });
    expect(config.mode).toBe('isolated');
    expect(Object.keys(config.servers)).toEqual(['files']);
  });
});

/** A property list as Apple's DTD has it, as far as ours uses it. Throws for everything else. */
function parsePlist(xml: string): unknown {
  const tokens = xml
    .replace(/^<\?xml[^>]*\?>\s*<!DOCTYPE plist PUBLIC "-\/\/Apple\/\/DTD PLIST 1\.0\/\/EN"[^>]*>/, '')
    .replaceAll(/<!--[^]*?-->/g, '')
    .split(/(<[^>]*>)/)
    .map((token) => token.trim())
    .filter((token) => token !== '');
  const take = (expected?: string): string => {
    const token = tokens.shift() ?? '';
    if (expected !== undefined && token !== expected) throw new Error(`${expected} expected, not ${token}`);
    return token;
  };
  const textOf = (tag: string): string => {
    const value = take();
    if (value.startsWith('<')) throw new Error(`a text expected, not ${value}`);
    take(`</${tag}>`);
    return value;
  };
  const value = (): unknown => {
    const tag = take();
    if (tag === '<string>') return textOf('string');
    if (tag === '<integer>') return Number(textOf('integer'));
    if (tag === '<true/>') return true;
    if (tag === '<false/>') return false;
    if (tag === '<array>') {
      const all: unknown[] = [];
      while (tokens[0] !== '</array>') all.push(value());
      take();
      return all;
    }
    if (tag !== '<dict>') throw new Error(`a value expected, not ${tag}`);
    const all: Record<string, unknown> = {};
    while (tokens[0] !== '</dict>') {
      take('<key>');
      all[textOf('key')] = value();
    }
    take();
    return all;
  };
  if (!/^<plist(?: version="1\.0")?>$/.test(take())) throw new Error('no plist');
  const root = value();
  take('</plist>');
  if (tokens.length > 0) throw new Error('something follows');
  return root;
}
