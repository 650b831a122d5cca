import { describe, expect, it } from 'vitest';
import { gateWords, readAuthorities, refuseBesideGate } from '../../src/cli/gate-options.ts';

const io = { cwd: '/home/dev' };
const misuse: unknown = expect.objectContaining({ code: 'USAGE' });

describe('a gate elsewhere, as commands are told of it', () => {
  it.each([
    ['an identity without a gate', { identity: 'id' }],
    ['authorities without a gate', { ca: 'ca.pem' }],
    ['an empty identity without a gate', { identity: '' }],
    ['an identity over a socket, which shows no certificate', { gate: 'unix:gate.sock', identity: 'id' }],
    ['authorities on this machine, over http', { gate: 'http://127.0.0.1:1', ca: 'ca.pem' }],
    ['an empty file of authorities over a socket', { gate: 'unix:gate.sock', ca: '' }],
    ['http beyond this machine', { gate: 'http://gate.example.org' }],
    ['an empty address', { gate: '' }],
  ])('is refused with %s', (_, values) => {
    expect(() => gateWords(values, io)).toThrow(misuse);
  });

  it('is none where none was named', () => {
    expect(gateWords({}, io)).toBeUndefined();
  });

  it('is found from the working directory, with its files', () => {
    const overTls = { gate: 'https://gate.example.org', identity: 'id', ca: '/etc/ca.pem' };
    expect(gateWords(overTls, io)).toEqual({
      address: { shown: 'https://gate.example.org', base: 'https://gate.example.org' },
      identity: '/home/dev/id',
      ca: '/etc/ca.pem',
    });
    expect(gateWords({ gate: 'unix:gate.sock' }, io)).toMatchObject({
      address: { socketPath: '/home/dev/gate.sock' },
      identity: undefined,
    });
  });

  it('has its own policy and home: what is said of them here would not count', () => {
    for (const values of [{ policy: ['a.yaml'] }, { home: 'x' }, { home: '' }])
      expect(() => refuseBesideGate(values, ['policy', 'home'])).toThrow(misuse);
    expect(() => refuseBesideGate({ policy: [], name: 'files' }, ['policy', 'home'])).not.toThrow();
  });

  it('is not asked when its authorities cannot be read', () => {
    expect(() => readAuthorities('/nowhere/ca.pem')).toThrow(misuse);
    expect(readAuthorities(undefined)).toBeUndefined();
  });
});
