import { describe, expect, it } from 'vitest';
import { readConfig } from '../../../src/runtime/config/read.ts';
import { readApprovals } from '../../../src/runtime/config/read-approvals.ts';

const read = (origin: string, listen = '{}') =>
  readConfig({
    name: 'countersign.yaml',
    text: `version: 1\nlisten: ${listen}\napprovals: { origin: ${JSON.stringify(origin)} }\n`,
    env: {},
  }).approvals?.origin;
const invalid = expect.objectContaining({ code: 'CONFIG_INVALID' });

describe('approvals.origin', () => {
  it.each([
    'https://gate.example.org',
    'https://gate.example.org:8443',
    'http://localhost:8787',
    'http://localhost',
  ])('may be %s', (origin) => expect(read(origin)).toBe(origin));

  it.each([
    ...[
      'https://gate.example.org/',
      'https://gate.example.org/approve',
      'https://Gate.example.org',
      'gate.example.org',
    ],
    ...[
      'http://gate.example.org',
      'http://localhost.example.org',
      'http://127.0.0.1:8787',
      'https://192.0.2.1',
      'https://[::1]',
    ],
    ...['https://user@gate.example.org', 'https://gate.example.org:443', 'javascript:alert(1)', ''],
  ])('is not %s', (origin) => expect(() => read(origin)).toThrow(invalid));

  it('is plain HTTP only where nobody else can be between: on loopback', () => {
    expect(read('http://localhost:8787', '{ host: "::1" }')).toBe('http://localhost:8787');
    expect(() => read('http://localhost:8787', '{ host: 0.0.0.0 }')).toThrow(invalid);
  });

  it('is read without the rest of a configuration', () => {
    const text = 'version: 1\nactions: { x: 1 }\napprovals: { origin: "https://gate.example.org" }\n';
    expect(readApprovals({ name: 'x', text, env: {} })).toEqual({ origin: 'https://gate.example.org' });
    expect(readApprovals({ name: 'x', text: 'version: 1\n', env: {} })).toBeUndefined();
  });
});
