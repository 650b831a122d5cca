import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  assertGuardedSocket,
  mcpEndpoint,
  parseGateAddress,
} from '../../../src/runtime/connect/gate-address.ts';
import { createNodeFetch } from '../../../src/runtime/connect/node-fetch.ts';
import { headerText } from '../../../src/gateway/mcp/mirrored-headers.ts';

describe('the address of a gate', () => {
  it.each([
    ['unix:/run/gate.sock', { base: 'http://localhost', socketPath: '/run/gate.sock' }],
    ['unix:///run/gate.sock', { base: 'http://localhost', socketPath: '/run/gate.sock' }],
    ['unix:gate.sock', { base: 'http://localhost', socketPath: '/here/gate.sock' }],
    ['https://gate.example', { base: 'https://gate.example' }],
    ['https://gate.example/tools/', { base: 'https://gate.example/tools' }],
    ['http://127.0.0.1:8787', { base: 'http://127.0.0.1:8787' }],
    ['http://[::1]:8787', { base: 'http://[::1]:8787' }],
  ])('%s is read', (text, expected) => {
    expect(parseGateAddress(text, '/here')).toEqual({ shown: text, ...expected });
  });

  it.each([
    ['', 'nothing'],
    ['unix:', 'no path'],
    ['gate.example', 'no scheme'],
    ['ftp://gate.example', 'another scheme'],
    ['http://gate.example', 'a key in the clear'],
    ['http://127.0.0.1.example', 'a name that begins like loopback'],
    ['https://user:pass@gate.example', 'a password'],
    ['https://gate.example/?a=b', 'a query'],
  ])('%s is misuse: %s', (text) => {
    expect(() => parseGateAddress(text, '/here')).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });

  it('leads to the endpoint of a server, or of all', () => {
    const gate = parseGateAddress('https://gate.example/tools', '/here');
    expect(mcpEndpoint(gate, 'files')).toBe('https://gate.example/tools/mcp/files');
    expect(mcpEndpoint(gate, undefined)).toBe('https://gate.example/tools/mcp');
  });
});

describe('a header', () => {
  it.each([
    ['look', 'look'],
    ['a b', 'a b'],
    ['', '=?base64??='],
    [' a', '=?base64?IGE=?='],
    ['ä', '=?base64?w6Q=?='],
    ['a\r\nx: y', '=?base64?YQ0KeDogeQ==?='],
    ['=?base64?YQ==?=', '=?base64?PT9iYXNlNjQ/WVE9PT89?='],
  ])('carries %j as %s', (text, expected) => {
    expect(headerText(text)).toBe(expected);
  });
});

describe('a socket', () => {
  let folder: string;
  let path: string;
  let server: Server;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'countersign-gate-'));
    path = join(folder, 'gate.sock');
    server = createServer((request, response) =>
      response.end(`${request.headers.host ?? ''} ${request.url ?? ''}`),
    );
    await new Promise<void>((resolve) => server.listen(path, resolve));
  });
  afterEach(async () => {
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  });

  it('is reached by HTTP', async () => {
    const response = await createNodeFetch({ socketPath: path })('http://localhost/readyz', {
      method: 'POST',
      body: 'x',
    });
    expect(await response.text()).toBe('localhost /readyz');
    expect(() => assertGuardedSocket(path)).not.toThrow();
  });

  it.each([
    ['in a folder that others may write', () => chmodSync(folder, 0o777)],
    ['in a folder as open as /tmp, where the first to come owns the name', () => chmodSync(folder, 0o1777)],
    ['that is a link', () => symlinkSync(path, join(folder, 'x')), 'x'],
    ['that is a file', () => writeFileSync(join(folder, 'x'), ''), 'x'],
    ['that is not there', () => undefined, 'x'],
  ])('%s is not spoken to', (_, prepare, name = 'gate.sock') => {
    prepare();
    expect(() => assertGuardedSocket(join(folder, name))).toThrow(
      expect.objectContaining({ code: 'GATE_UNREACHABLE' }),
    );
  });
});
