import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createWorkloadAuthority } from '../../../src/pki/authority.ts';
import { toPem } from '../../../src/pki/parse-pem.ts';
import { ecdsaSigner, generateEcdsaKey } from '../../../src/pki/signer-node.ts';
import { issueWorkloadCertificate } from '../../../src/pki/workload-certificate.ts';
import { createNodeFetch } from '../../../src/runtime/connect/node-fetch.ts';
import {
  identityFile,
  identityIn,
  pendingKey,
  validIdentityIn,
  writeIdentity,
  type ClientIdentity,
} from '../../../src/runtime/enrol/identity-folder.ts';
import { keepIdentity, type KeepOptions } from '../../../src/runtime/enrol/keep-identity.ts';
import { makeTlsCertificate, type TlsCertificate } from '../../support/tls-certificate.ts';
import { hour } from './enrolling.ts';

const made = await createWorkloadAuthority({ trustDomain: 'example.org', now: Date.now() - 60_000 });
const authority = { signer: ecdsaSigner(made.privateKey), certificate: made.certificate };

/** A key, and a certificate of it. */
async function pair(name: string, notAfter = Date.now() + hour) {
  const { pem, signer } = generateEcdsaKey();
  const certificate = await issueWorkloadCertificate({
    authority,
    spiffeId: `spiffe://example.org/agent/${name}`,
    publicKey: signer.publicKey,
    notBefore: Date.now() - 30_000,
    notAfter,
  });
  return {
    privateKey: pem,
    certificate: toPem('CERTIFICATE', certificate),
    authority: toPem('CERTIFICATE', made.certificate),
  };
}

const nextTurn = (): Promise<undefined> => new Promise((resolve) => setImmediate(() => resolve(undefined)));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-identity-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('an identity on a workload’s machine', () => {
  it('is one file that nobody else can read, with key and certificate', async () => {
    const place = join(folder, 'new');
    writeIdentity(place, await pair('one'));
    expect(statSync(place).mode & 0o777).toBe(0o700);
    expect(statSync(identityFile(place)).mode & 0o777).toBe(0o600);
    expect(identityIn(place)()).toMatchObject({ agent: 'spiffe://example.org/agent/one' });
    expect(readFileSync(identityFile(place), 'utf8')).toMatch(
      /^-----BEGIN PRIVATE KEY-----\n[^-]+-----END PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----\n/,
    );
  });

  it('is never a key with another’s certificate, whenever it is read while others write it', async () => {
    const pairs = await Promise.all(['a', 'b', 'c'].map((name) => pair(name)));
    writeIdentity(folder, pairs[0]!);
    const seen = new Set<string>();
    const writer = new Worker(
      `const { renameSync, writeFileSync } = require('node:fs');
       const { workerData: { file, texts } } = require('node:worker_threads');
       for (let i = 0; i < 3000; i += 1) {
         writeFileSync(file + '.tmp', texts[i % 3], { mode: 0o600 });
         renameSync(file + '.tmp', file);
       }`,
      {
        eval: true,
        workerData: {
          file: identityFile(folder),
          texts: pairs.map(({ privateKey, certificate }) => privateKey + certificate),
        },
      },
    );
    const written = once(writer, 'exit');
    let reads = 0;
    while ((await Promise.race([written, nextTurn()])) === undefined) {
      // A pair that does not fit is refused by it.
      seen.add(identityIn(folder)().agent);
      reads += 1;
    }
    expect(reads).toBeGreaterThan(3);
    expect(seen.size).toBe(3);
  });

  it('is read again once it was renewed, and is the same object until then', async () => {
    writeIdentity(folder, await pair('one'));
    const read = identityIn(folder);
    const before = read();
    expect(read()).toBe(before);
    writeIdentity(folder, await pair('two'));
    expect(read().agent).toBe('spiffe://example.org/agent/two');
  });

  it('that has ended is refused, and what to do is said', async () => {
    const end = Date.now() + 5_000;
    writeIdentity(folder, await pair('one', end));
    const read = validIdentityIn(folder, () => end);
    expect(read).toThrow(expect.objectContaining({ code: 'CERTIFICATE_EXPIRED' }));
  });

  it('is refused when it is missing, open to others, half of one, or of two', async () => {
    const invalid = expect.objectContaining({ code: 'CONFIG_INVALID' }) as unknown as Error;
    expect(identityIn(folder)).toThrow(invalid);
    const [one, two] = [await pair('one'), await pair('two')];
    for (const text of ['', one.privateKey, one.certificate, one.privateKey + two.certificate, 'secret']) {
      writeFileSync(identityFile(folder), text, { mode: 0o600 });
      expect(identityIn(folder)).toThrow(invalid);
    }
    writeIdentity(folder, one);
    chmodSync(identityFile(folder), 0o640);
    expect(identityIn(folder)).toThrow(invalid);
  });

  it('has one key waiting while a certificate is asked for, which goes once that is there', async () => {
    const first = pendingKey(folder, () => 'first');
    expect(pendingKey(folder, () => 'second')).toBe(first);
    const file = join(folder, 'pending.key.pem');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    writeIdentity(folder, await pair('one'));
    expect(existsSync(file)).toBe(false);
  });
});

describe('requests with an identity', () => {
  let server: Server;
  let tls: TlsCertificate;
  let url: string;
  const seen: string[] = [];
  let connections = 0;

  beforeEach(async () => {
    tls = makeTlsCertificate(folder);
    server = createServer(
      {
        key: readFileSync(tls.keyFile),
        cert: tls.ca,
        requestCert: true,
        rejectUnauthorized: false,
      },
      (request, response) => {
        const { socket } = request;
        const shown = socket instanceof TLSSocket ? socket.getPeerCertificate().subjectaltname : undefined;
        seen.push(shown ?? 'nobody');
        response.end('ok');
      },
    );
    connections = 0;
    server.on('secureConnection', () => (connections += 1));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `https://localhost:${(server.address() as AddressInfo).port}/`;
    seen.length = 0;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it('show it, and the next one from the moment on at which it is there', async () => {
    writeIdentity(folder, await pair('one'));
    const ask = createNodeFetch({ identity: folder, ca: tls.ca });
    for (const name of ['one', 'one', 'two', 'two']) {
      if (name === 'two' && !seen.includes(`URI:spiffe://example.org/agent/two`))
        writeIdentity(folder, await pair('two'));
      expect(await (await ask(url)).text()).toBe('ok');
    }
    expect(seen).toEqual(
      ['one', 'one', 'two', 'two'].map((name) => `URI:spiffe://example.org/agent/${name}`),
    );
    expect(connections).toBe(2);
  });

  it('are not sent once it has ended, nor to a server of another authority', async () => {
    writeIdentity(folder, await pair('one', Date.now() + 1_000));
    const stranger = createNodeFetch({ identity: folder });
    await expect(stranger(url)).rejects.toMatchObject({ mayHaveArrived: false });
    const ask = createNodeFetch({ identity: folder, ca: tls.ca });
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await expect(ask(url)).rejects.toMatchObject({ code: 'CERTIFICATE_EXPIRED' });
    expect(seen).toEqual([]);
  });

  it('show nothing where there is none', async () => {
    await (await createNodeFetch({ ca: tls.ca })(url)).text();
    expect(seen).toEqual(['nobody']);
  });
});

describe('an identity that is kept', () => {
  const identity = (notBefore: number, notAfter: number): ClientIdentity => ({
    ...{ privateKey: '', certificate: '', agent: '' },
    notBefore,
    notAfter,
  });

  /** Runs it against short lives, until `enough` renewals or failures were told. */
  async function kept(options: Partial<KeepOptions>, enough: number) {
    const end = new AbortController();
    const told: string[] = [];
    const tell = (what: string): void => {
      told.push(what);
      if (told.length >= enough) end.abort();
    };
    const now = Date.now();
    await keepIdentity({
      identity: identity(now, now + 300),
      renew: () => Promise.reject(new Error('no renewal')),
      onRenewed: () => tell('renewed'),
      onFailed: ({ code }) => tell(code),
      signal: end.signal,
      random: () => 0,
      ...options,
    });
    return told;
  }

  it('is renewed after two thirds of its life, again and again', async () => {
    const began = Date.now();
    const at: number[] = [];
    const renew = () => {
      at.push(Date.now() - began);
      return Promise.resolve(identity(Date.now(), Date.now() + 300));
    };
    expect(await kept({ renew }, 3)).toEqual(['renewed', 'renewed', 'renewed']);
    expect(at[0]).toBeGreaterThanOrEqual(195);
    expect(at[0]).toBeLessThan(300);
  });

  it('is tried again when it fails, until its end; then that is said', async () => {
    const now = Date.now();
    await expect(kept({ identity: identity(now, now + 300) }, 100)).rejects.toMatchObject({
      code: 'CERTIFICATE_EXPIRED',
    });
  });

  it('is got anew by a token that can be used again, once it has ended', async () => {
    const now = Date.now();
    const enrolAnew = () => Promise.resolve(identity(Date.now(), Date.now() + hour));
    const told = await kept({ identity: identity(now - 300, now), enrolAnew }, 1);
    expect(told).toEqual(['renewed']);
  });

  it('ends when it is told to, at once', async () => {
    const began = Date.now();
    const signal = AbortSignal.timeout(20);
    await kept({ identity: identity(began, began + hour), signal }, 1);
    expect(Date.now() - began).toBeLessThan(1_000);
  });
});
