import { describe, expect, it } from 'vitest';
import { hex, sha256, utf8 } from '../../../src/call/sha256.ts';
import { commandEnvironment } from '../../../src/runtime/exec/environment.ts';

const own = {
  PATH: '/bin',
  HOME: '/home',
  LC_ALL: 'C',
  LD_PRELOAD: '/evil.so',
  NODE_OPTIONS: '--require /evil.js',
  BASH_ENV: '/evil.sh',
  AWS_SECRET_ACCESS_KEY: 'of another step',
  COUNTERSIGN_API_KEY: 'cs_live',
  COUNTERSIGN_HOME: '/keys',
  TOKEN: 'hidden',
  EMPTY: '',
  PLAIN: 'a=b',
};

const of = (env: readonly string[] = [], secret: readonly string[] = []) =>
  commandEnvironment(own, { env, secret });

describe('the environment of a command', () => {
  it('is a few variables that say where it runs, and how deep; nothing that a loader or an interpreter heeds', () => {
    expect({ ...of().env }).toEqual({ PATH: '/bin', HOME: '/home', LC_ALL: 'C', COUNTERSIGN_DEPTH: '1' });
  });

  it('has what was asked for, as it is here or as it was set, where policy sees it', () => {
    expect(of(['PLAIN', 'NEW=x=y', 'LD_PRELOAD', 'PATH=', '__proto__=z']).env).toMatchObject({
      PLAIN: 'a=b',
      NEW: 'x=y',
      LD_PRELOAD: '/evil.so',
      PATH: '',
    });
    expect(Object.keys(of(['__proto__=z']).env)).toContain('__proto__');
  });

  it('has a secret as a digest, and its value apart', () => {
    const { env, secrets, values } = of([], ['TOKEN', 'HOME']);
    expect(JSON.stringify({ env, secrets })).not.toContain('hidden');
    expect(secrets).toMatchObject({ TOKEN: { sha256: hex(sha256(utf8('hidden'))) } });
    expect({ ...values }).toEqual({ TOKEN: 'hidden', HOME: '/home' });
    expect(env).not.toHaveProperty('HOME');
  });

  it.each([
    ['the API key', ['COUNTERSIGN_API_KEY'], []],
    ['the API key as a secret', [], ['COUNTERSIGN_API_KEY']],
    ['the API key in another case', ['countersign_api_key'], []],
    ['an API key of its own', ['COUNTERSIGN_API_KEY=x'], []],
    ['another person’s token', ['COUNTERSIGN_HUMAN_TOKEN=x'], []],
    ['the keys’ passphrase', ['COUNTERSIGN_KEY_PASSPHRASE=x'], []],
    ['a depth of its own', ['COUNTERSIGN_DEPTH=0'], []],
    ['a variable without a name', ['=x'], []],
    ['a value with a NUL', ['A=\0'], []],
    ['the same twice', ['A=1', 'A=2'], []],
    ['the same as a secret', ['TOKEN'], ['TOKEN']],
    ['a secret on the command line', [], ['A=b']],
  ])('is refused with %s', (_, env, secret) => {
    expect(() => of(env, secret)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });

  it.each([
    ['a variable that is not set', ['MISSING'], []],
    ['a secret that is not set', [], ['MISSING']],
    ['a secret that is empty, as pipelines make an unset one', [], ['EMPTY']],
    ['what every object has', ['toString'], []],
  ])('is not there with %s', (_, env, secret) => {
    expect(() => of(env, secret)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });

  it('ends a wrapper that starts itself', () => {
    expect(() => commandEnvironment({ COUNTERSIGN_DEPTH: '3' }, { env: [], secret: [] })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });
});
