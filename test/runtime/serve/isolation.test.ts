import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { homeLayout } from '../../../src/runtime/home/home-layout.ts';
import type { Listen } from '../../../src/runtime/serve/doors.ts';
import { assertIsolated } from '../../../src/runtime/serve/isolation.ts';

let folder: string;
const at = (...path: string[]): string => join(folder, ...path);

/** A home, a configuration, a program and a place for a socket, as they have to be. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-isolation-'));
  chmodSync(folder, 0o755);
  mkdirSync(at('home', 'keys'), { recursive: true });
  for (const [name, mode] of [
    ['home', 0o700],
    ['home/keys', 0o700],
  ] as const)
    chmodSync(at(name), mode);
  for (const name of ['home/keys/log.key.pem', 'home/api-keys.json'])
    writeFileSync(at(name), '', { mode: 0o600 });
  for (const name of ['etc', 'run', 'bin']) mkdirSync(at(name), { mode: 0o755 });
  for (const name of ['etc/c.yaml', 'etc/policy.yaml', 'bin/countersign'])
    writeFileSync(at(name), '', { mode: 0o644 });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function claim(listen: Listen = { socket: at('run', 'gate.sock') }, secrets: readonly string[] = []): void {
  assertIsolated({
    secrets,
    layout: homeLayout(at('home')),
    files: [at('etc', 'c.yaml'), at('etc', 'policy.yaml')],
    listen,
    program: [at('bin', 'countersign')],
  });
}

const untrue = expect.objectContaining({
  code: 'CONFIG_INVALID',
  message: expect.stringMatching(/^mode: isolated cannot be true here: /) as string,
}) as Error;

describe('isolated mode', () => {
  it.each([
    ['on a socket', { socket: '' }],
    ['on loopback', { tcp: { host: '127.0.0.1', port: 8787 } }],
    ['on loopback, IPv6', { tcp: { host: '::1', port: 8787 } }],
  ] as [string, Listen][])('can be true %s', (_, listen) => {
    expect(() => claim(listen.tcp ? listen : undefined)).not.toThrow();
  });

  it.each(['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example', 'localhost.example'])(
    'cannot be true on %s, where API keys would travel in the clear',
    (host) => {
      expect(() => claim({ tcp: { host, port: 0 } })).toThrow(untrue);
      expect(() => claim({ tcp: { host, port: 0 }, socket: at('run', 'gate.sock') })).toThrow(untrue);
    },
  );

  it('can be true anywhere behind TLS, whose private key others cannot read', () => {
    const tls = { certificate: 'own.pem', key: 'own.key', clients: 'optional' } as const;
    writeFileSync(at('etc', 'own.key'), '', { mode: 0o600 });
    const anywhere = { tcp: { host: '0.0.0.0', port: 443 }, tls };
    expect(() => claim(anywhere, [at('etc', 'own.key')])).not.toThrow();
    chmodSync(at('etc', 'own.key'), 0o640);
    expect(() => claim(anywhere, [at('etc', 'own.key')])).toThrow(untrue);
  });

  it.each([
    ['can read the home', 'home', 0o750],
    ['can enter the home', 'home', 0o711],
    ['can read the keys', 'home/keys', 0o740],
    ['can read a key', 'home/keys/log.key.pem', 0o604],
    ['can change the API keys', 'home/api-keys.json', 0o620],
    ['can change the configuration', 'etc/c.yaml', 0o664],
    ['can change a policy', 'etc/policy.yaml', 0o646],
    ['can replace a policy', 'etc', 0o777],
    ['can replace a policy, though the folder is sticky', 'etc', 0o1777],
    ['can change the program', 'bin/countersign', 0o775],
    ['can replace the program', 'bin', 0o775],
    ['can replace everything', '', 0o777],
  ])('cannot be true where somebody else %s', (_, path, mode) => {
    chmodSync(at(path), mode);
    expect(() => claim()).toThrow(untrue);
  });

  it('cannot be true where a policy is a link into a folder of others', () => {
    mkdirSync(at('open'));
    writeFileSync(at('open', 'policy.yaml'), '', { mode: 0o644 });
    chmodSync(at('open'), 0o777);
    rmSync(at('etc', 'policy.yaml'));
    symlinkSync(at('open', 'policy.yaml'), at('etc', 'policy.yaml'));
    expect(() => claim()).toThrow(untrue);
  });

  it('cannot be true where nobody but the gate’s own user could call', () => {
    chmodSync(at('run'), 0o700);
    expect(() => claim()).toThrow(untrue);
  });
});
