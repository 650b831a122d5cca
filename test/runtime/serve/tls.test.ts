import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as plainRequest } from 'node:http';
import { Agent, request } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, TLSSocket, type ConnectionOptions } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readTlsMaterial, type TlsMaterial } from '../../../src/runtime/serve/tls-material.ts';
import {
  startHttpServer,
  type HttpServer,
  type HttpServerOptions,
} from '../../../src/runtime/serve/http-server.ts';
import {
  caExtensions,
  clientExtensions,
  keyPemOf,
  make,
  makeRoot,
  pemOf,
  uris,
  x509,
  type Made,
} from '../../identity/possession/certificates.ts';

const folder = mkdtempSync(join(tmpdir(), 'tls-'));
const file = (name: string): string => join(folder, name);
const servers: HttpServer[] = [];
const sockets: TLSSocket[] = [];
const current = { from: Date.now() - 60_000, until: Date.now() + 3_600_000 };

let authority: Made;
let own: Made;
let root: Made;
let issuing: Made;
let agent: Made;
let material: TlsMaterial;
let client: { readonly cert: string; readonly key: string };

const serverCertificate = (by: Made, name: string): Promise<Made> =>
  make({
    ...current,
    name: `CN=${name}`,
    by,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }])],
  });
const sha256 = (der: Uint8Array): string => createHash('sha256').update(der).digest('hex');

beforeAll(async () => {
  authority = await makeRoot({ ...current, name: 'CN=servers' });
  own = await serverCertificate(authority, 'gate');
  root = await makeRoot({ ...current, name: 'CN=agents' });
  issuing = await make({ ...current, name: 'CN=issuing', by: root, extensions: caExtensions() });
  agent = await make({
    ...current,
    name: 'CN=planner',
    by: issuing,
    extensions: [...clientExtensions, uris('spiffe://example.org/agent/planner')],
  });
  const [key, clientKey] = await Promise.all([keyPemOf(own), keyPemOf(agent)]);
  material = { certificate: pemOf(own), key, clients: 'optional', files: ['', ''], digest: '' };
  client = { cert: pemOf(agent, issuing), key: clientKey };
  writeFileSync(file('ca.pem'), pemOf(authority));
  writeFileSync(file('client.pem'), pemOf(agent));
  writeFileSync(file('chain.pem'), pemOf(issuing));
  writeFileSync(file('client.key'), clientKey);
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) await server.close(100);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Told {
  readonly url: string;
  readonly address?: string;
  readonly certificate?: string;
  readonly chain?: readonly string[];
}

async function serve(over: Partial<HttpServerOptions> = {}): Promise<HttpServer & { readonly port: number }> {
  const server = await startHttpServer({
    fetch: (asked, { peer }) => {
      const told: Told = {
        url: asked.url,
        ...(peer?.address !== undefined && { address: peer.address }),
        ...(peer?.certificate && { certificate: sha256(peer.certificate) }),
        ...(peer?.chain && { chain: peer.chain.map(sha256) }),
      };
      return Response.json(told);
    },
    listen: { tcp: { host: '127.0.0.1', port: 0 } },
    tls: material,
    maxInFlight: 10,
    maxConnections: 20,
    ...over,
  });
  servers.push(server);
  return Object.assign(server, { port: server.tcp?.port ?? 0 });
}

/** One request over a socket of its own, or that of `agent`. */
function ask(port: number, options: ConnectionOptions & { agent?: Agent } = {}) {
  return new Promise<{ status: number; told: Told; socket: TLSSocket; reason: string | undefined }>(
    (resolve, reject) => {
      const asked = request(
        { host: '127.0.0.1', port, path: '/x', ca: pemOf(authority), agent: false, ...options },
        (response) => {
          const { socket } = response;
          if (!(socket instanceof TLSSocket)) throw new TypeError('It came without TLS.');
          let text = '';
          response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              told: JSON.parse(text) as Told,
              socket,
              reason: response.headers['countersign-reason'] as string | undefined,
            }),
          );
        },
      );
      asked.on('error', reject).end();
    },
  );
}

describe('a gateway with TLS', () => {
  it('is asked at https, and knows no certificate where none came', async () => {
    const { port } = await serve();
    const { told } = await ask(port);
    expect(told).toEqual({ url: `https://127.0.0.1:${port}/x`, address: '127.0.0.1' });
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'knows a client’s certificate and its chain over %s',
    async (version) => {
      const { port } = await serve();
      const { told, socket } = await ask(port, { ...client, minVersion: version, maxVersion: version });
      expect(told).toMatchObject({ certificate: sha256(agent.der), chain: [sha256(issuing.der)] });
      expect(socket.alpnProtocol === false || socket.alpnProtocol === 'http/1.1').toBe(true);
    },
  );

  it('speaks nothing older', async () => {
    const { port } = await serve();
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await expect(ask(port, old)).rejects.toThrow();
  });

  it('asks for no certificate unless it is told to', async () => {
    const { port } = await serve({ tls: { ...material, clients: 'none' } });
    expect((await ask(port, client)).told).not.toHaveProperty('certificate');
  });

  it('hears nobody without a certificate where one is required', async () => {
    const { port } = await serve({ tls: { ...material, clients: 'required' } });
    expect(await ask(port)).toMatchObject({ status: 403, reason: 'AGENT_PROOF_MISSING' });
    expect(await ask(port, client)).toMatchObject({ status: 200, told: { certificate: sha256(agent.der) } });
  });

  it('keeps a connection, and its certificate, from one request to the next', async () => {
    const { port } = await serve();
    const keeping = new Agent({ keepAlive: true, maxSockets: 1 });
    const first = await ask(port, { ...client, agent: keeping });
    const second = await ask(port, { ...client, agent: keeping });
    expect(second.socket).toBe(first.socket);
    expect(second.told).toEqual(first.told);
    keeping.destroy();
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'knows the certificate and its chain of a session that comes back over %s',
    async (version) => {
      const { port } = await serve();
      const options = { ...client, minVersion: version, maxVersion: version } as const;
      const session = await ticketOf(port, options);
      // A client that has lost its key since is still who had it when the session began.
      const { told, socket } = await ask(port, { ...options, session });
      expect(socket.isSessionReused()).toBe(true);
      expect(told).toMatchObject({ certificate: sha256(agent.der), chain: [sha256(issuing.der)] });
    },
  );

  it('does not take a session of nobody for somebody', async () => {
    const { port } = await serve();
    const session = await ticketOf(port, {});
    const { told } = await ask(port, { ...client, session });
    expect(told.certificate === undefined || told.certificate === sha256(agent.der)).toBe(true);
    expect((await ask(port, { session })).told).not.toHaveProperty('certificate');
  });

  it('refuses what is no TLS in words, and counts it', async () => {
    const refused: string[] = [];
    const { port } = await serve({ onRefused: (code) => refused.push(code) });
    const answer = await new Promise<string>((resolve, reject) => {
      const asked = plainRequest({ host: '127.0.0.1', port, path: '/x', agent: false }, (response) => {
        response.resume();
        resolve(`${response.statusCode} ${String(response.headers['countersign-reason'])}`);
      });
      asked.on('error', reject).end();
    });
    expect(answer).toBe('400 FRAME_INVALID');
    expect(refused).toEqual(['FRAME_INVALID']);
  });

  it('closes what begins like a handshake and is none', async () => {
    const { port } = await serve();
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined).resume();
    socket.write(Uint8Array.of(0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5));
    await new Promise((resolve) => socket.once('close', resolve));
    expect((await ask(port)).status).toBe(200);
  });

  it('does not wait for a handshake that does not come', async () => {
    const { port } = await serve({ timeouts: { headers: 300 } });
    const silent = [[], [0x16], [0x16, 3, 1, 0, 200]].map((bytes) => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined).resume();
      socket.write(Uint8Array.from(bytes));
      return new Promise((resolve) => socket.once('close', resolve));
    });
    await Promise.all(silent);
  });

  it('keeps its time limits behind a handshake', async () => {
    const { port } = await serve({ timeouts: { headers: 300, request: 300 } });
    const socket = await secure(port, {});
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    socket.write('GET /x HTTP/1.1\r\nHost: a\r\nX-Slow: ');
    await new Promise((resolve) => socket.once('close', resolve));
    expect(text).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('refuses a second handshake within a connection', async () => {
    const { port } = await serve();
    const socket = await secure(port, { maxVersion: 'TLSv1.2' });
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined).resume();
    socket.renegotiate({ rejectUnauthorized: false }, () => undefined);
    await closed;
  });

  it('shows another certificate when it is renewed, and breaks no connection for it', async () => {
    const server = await serve();
    const keeping = new Agent({ keepAlive: true, maxSockets: 1 });
    const before = await ask(server.port, { agent: keeping });
    const next = await serverCertificate(authority, 'next');
    server.renewTls({ ...material, certificate: pemOf(next), key: await keyPemOf(next) });
    const kept = await ask(server.port, { agent: keeping });
    expect(kept.socket).toBe(before.socket);
    const after = await secure(server.port, {});
    expect(after.getPeerCertificate().subject.CN).toBe('next');
    keeping.destroy();
  });

  it('has a unix socket beside it that stays as it was', async () => {
    const socket = join(folder, 'gate.sock');
    await serve({
      listen: { tcp: { host: '127.0.0.1', port: 0 }, socket },
      tls: { ...material, clients: 'required' },
    });
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const asked = plainRequest({ socketPath: socket, path: '/x', agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      asked.on('error', reject).end();
    });
    expect(status).toBe(200);
  });

  it('ends, whoever is connected', async () => {
    const server = await serve();
    await secure(server.port, {});
    const silent = connect(server.port, '127.0.0.1');
    silent.on('error', () => undefined);
    await new Promise((resolve) => silent.once('connect', resolve));
    const began = performance.now();
    await server.close(100);
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});

describe('openssl’s client', () => {
  const withKey = ['-cert', 'client.pem', '-key', 'client.key', '-cert_chain', 'chain.pem'];

  it.each(['-tls1_2', '-tls1_3'])('is heard with %s', async (version) => {
    const { port } = await serve();
    const said = await sClient(port, [version, ...withKey]);
    expect(said).toContain('HTTP/1.1 200 OK');
    expect(said).toContain(sha256(agent.der));
    expect(said).toContain('Verify return code: 0 (ok)');
  });

  it.each(['-tls1_2', '-tls1_3'])('is known when it comes back with %s', async (version) => {
    const { port } = await serve();
    const ticket = `session${version}`;
    await sClient(port, [version, ...withKey, '-sess_out', ticket]);
    const said = await sClient(port, [version, ...withKey, '-sess_in', ticket]);
    expect(said).toContain('Reused, ');
    expect(said).toContain(sha256(agent.der));
    expect(said).toContain(sha256(issuing.der));
  });

  it('is heard without a certificate, as nobody', async () => {
    const { port } = await serve();
    const said = await sClient(port, []);
    expect(said).toContain('HTTP/1.1 200 OK');
    expect(said).not.toContain('"certificate"');
  });
});

describe('the files of TLS', () => {
  const config = { certificate: 'own.pem', key: 'own.key', clients: 'none' } as const;
  const refused = expect.objectContaining({ code: 'CONFIG_INVALID' }) as Error;

  it('are read from beside the configuration', async () => {
    writeFileSync(file('own.pem'), pemOf(own));
    writeFileSync(file('own.key'), await keyPemOf(own));
    expect(readTlsMaterial(config, folder)).toMatchObject({
      certificate: pemOf(own),
      files: [file('own.pem'), file('own.key')],
    });
  });

  it('are refused when they are missing, are no PEM, or do not belong together', () => {
    expect(() => readTlsMaterial({ ...config, key: 'none.key' }, folder)).toThrow(refused);
    expect(() => readTlsMaterial({ ...config, key: 'client.key' }, folder)).toThrow(refused);
    writeFileSync(file('no.pem'), 'nothing');
    expect(() => readTlsMaterial({ ...config, certificate: 'no.pem' }, folder)).toThrow(refused);
  });
});

function secure(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', port, ca: pemOf(authority), ...options }, () =>
      resolve(socket),
    );
    sockets.push(socket);
    socket.once('error', reject);
  });
}

/** A session that can be come back with. Of TLS 1.3 it arrives after the handshake. */
async function ticketOf(port: number, options: ConnectionOptions): Promise<Buffer> {
  const socket = await secure(port, options);
  const session = new Promise<Buffer>((resolve) => socket.once('session', resolve));
  socket.resume().write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  const earlier = socket.getProtocol() === 'TLSv1.2' ? socket.getSession() : undefined;
  return earlier ?? session;
}

/** Types a request into `openssl s_client`; resolves to everything that it says. */
function sClient(port: number, args: readonly string[]): Promise<string> {
  const child = spawn(
    'openssl',
    ['s_client', '-connect', `127.0.0.1:${port}`, '-CAfile', 'ca.pem', '-ign_eof', ...args],
    { cwd: folder },
  );
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  child.stdin.write('GET /x HTTP/1.1\r\nHost: gate\r\nConnection: close\r\n\r\n');
  return new Promise((resolve) => child.once('close', () => resolve(said)));
}
