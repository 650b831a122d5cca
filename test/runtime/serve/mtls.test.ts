import { spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHome } from '../../../src/runtime/home/create-home.ts';
import { openHome } from '../../../src/runtime/home/open-home.ts';
import { runServe } from '../../../src/runtime/serve/serve.ts';
import { loadTrust } from '../../../src/verify/trust.ts';
import { verifyInputs } from '../../../src/verify/verify.ts';
import {
  caExtensions,
  clientExtensions,
  keyPemOf,
  make,
  makeRoot,
  pemOf,
  purposes,
  constraints,
  usage,
  keyUsageFlags,
  uris,
  x509,
  type Made,
  type Wanted,
} from '../../identity/possession/certificates.ts';

/** The whole gateway behind TLS, asked by Node’s client and by openssl’s. */

const folder = mkdtempSync(join(tmpdir(), 'mtls-'));
const file = (name: string): string => join(folder, name);
const current = { from: Date.now() - 60_000, until: Date.now() + 3_600_000 };
const signals = new EventEmitter();

let service: Server;
let apiKey: string;
let trustDomain: string;
let trustedRoot: string;
let agents: Made;
let issuing: Made;
let devices: Made;
let servers: Made;
let port: number;
let said = '';
let ended: Promise<number>;

const planner = (): string => `spiffe://${trustDomain}/agent/planner`;
const agentLeaf = (over: Wanted = {}): Promise<Made> =>
  make({ ...current, by: issuing, extensions: [...clientExtensions, uris(planner())], ...over });
const serverLeaf = (name: string): Promise<Made> =>
  make({
    ...current,
    name: `CN=${name}`,
    by: servers,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }])],
  });

const policy = `version: 1
name: pressure
rules:
  - { id: planner, effect: allow, tools: ["actions/set"], when: "agent.binding == 'mtls'" }
  - { id: laptop, effect: allow, tools: ["actions/from-laptop"], when: "device.trust == 'managed'" }
`;
const configuration = (url: string): string => `version: 1
listen: { port: 0, tls: { certificate: own.pem, key: own.key, clients: optional } }
policies: [policy.yaml]
identity:
  trustedProxies: [127.0.0.3]
  certificates:
    agents: [{ authority: agents.pem, trustDomain: "${trustDomain}", tenant: default }]
    devices: [{ authority: devices.pem, id: subject-cn }]
actions:
  set: { parameters: { type: object }, request: { url: "${url}" } }
  from-laptop: { parameters: { type: object }, request: { url: "${url}" } }
`;

beforeAll(async () => {
  service = createServer((asked, answer) => void asked.resume().on('end', () => answer.end('{"set":1}')));
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  const root = file('home');
  ({ apiKey, trustedRoot } = await createHome(root, undefined, () => undefined));
  const { layout, config } = openHome(root, '', () => undefined);
  trustDomain = config.trustDomain;
  const keys = JSON.parse(readFileSync(layout.apiKeys, 'utf8')) as { keys: { agents: string[] }[] };
  for (const key of keys.keys) key.agents = ['planner'];
  writeFileSync(layout.apiKeys, JSON.stringify(keys));

  [agents, devices, servers] = (await Promise.all(
    ['agents', 'devices', 'servers'].map((name) => makeRoot({ ...current, name: `CN=${name}` })),
  )) as [Made, Made, Made];
  issuing = await make({ ...current, name: 'CN=issuing', by: agents, extensions: caExtensions(0) });
  const own = await serverLeaf('gate');
  writeFileSync(file('own.pem'), pemOf(own));
  writeFileSync(file('own.key'), await keyPemOf(own));
  writeFileSync(file('agents.pem'), pemOf(agents));
  writeFileSync(file('devices.pem'), pemOf(devices));
  writeFileSync(file('servers.pem'), pemOf(servers));
  writeFileSync(file('policy.yaml'), policy);
  const { port: upstream } = service.address() as AddressInfo;
  writeFileSync(file('countersign.yaml'), configuration(`http://127.0.0.1:${upstream}/`));

  const listening = Promise.withResolvers<string>();
  ended = runServe({
    home: root,
    ledger: '',
    serves: { configFile: file('countersign.yaml') },
    env: {},
    stderr: { write: (text: string) => (said += text) },
    onListening: listening.resolve,
    watch: false,
    signals,
  });
  const url = await Promise.race([listening.promise, ended.then(() => Promise.reject(new Error(said)))]);
  expect(url).toMatch(/^https:/);
  port = Number(new URL(url).port);
});

afterAll(async () => {
  signals.emit('SIGTERM');
  await ended;
  service.closeAllConnections();
  service.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly _meta: Readonly<Record<string, unknown>>;
}

interface Client {
  readonly made?: readonly Made[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly from?: string;
  readonly action?: string;
}

async function act({ made = [], headers = {}, from, action = 'set' }: Client): Promise<Answer> {
  const [leaf] = made;
  const certificate = leaf && { cert: pemOf(...made), key: await keyPemOf(leaf) };
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        ...{ host: '127.0.0.1', port, path: `/actions/${action}`, method: 'POST', agent: false },
        ...{ ca: readFileSync(file('servers.pem')), ...certificate, ...(from && { localAddress: from }) },
        headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json', ...headers },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, ...(JSON.parse(text) as Omit<Answer, 'status'>) }),
        );
      },
    );
    asked.on('error', reject).end('{}');
  });
}

interface Stated {
  readonly verdict: string;
  readonly reason: string | undefined;
  readonly principal: { readonly agent?: { id: string; binding: string }; readonly device?: { id: string } };
}

/** What the signed verdict says, once it verifies with the home’s trust root. */
async function stated({ _meta }: Answer): Promise<Stated> {
  const { verdict } = _meta['dev.countersign/envelope'] as { verdict: { dsseEnvelope: { payload: string } } };
  const trust = await loadTrust(Uint8Array.from(readFileSync(trustedRoot)));
  const bytes = Uint8Array.from(Buffer.from(JSON.stringify(verdict)));
  const report = await verifyInputs([{ name: 'verdict', bytes }], trust);
  expect(report.failures).toEqual([]);
  const statement = JSON.parse(Buffer.from(verdict.dsseEnvelope.payload, 'base64').toString()) as {
    predicateType: string;
    predicate: { principal: Stated['principal'] };
  };
  const denial = _meta['dev.countersign/denial'] as { code?: string; reason?: string } | undefined;
  return {
    verdict: statement.predicateType.split('/').at(-2) ?? '',
    reason: denial?.code ?? denial?.reason,
    principal: statement.predicate.principal,
  };
}

describe('an agent that is asked for its certificate', () => {
  it('is named, and bound to it, in the signed verdict', async () => {
    const answer = await act({ made: [await agentLeaf(), issuing] });
    expect(answer.status).toBe(200);
    const { verdict, principal } = await stated(answer);
    expect(verdict).toBe('allow');
    expect(principal.agent).toMatchObject({ id: planner(), binding: 'mtls' });
  });

  it('that has none is its key’s, and bound to nothing', async () => {
    const answer = await act({});
    expect(answer.status).toBe(403);
    expect(await stated(answer)).toMatchObject({
      verdict: 'deny',
      reason: 'NO_RULE_ALLOWS',
      principal: { agent: { binding: 'none' } },
    });
  });

  const signing = usage(keyUsageFlags.digitalSignature);
  it.each<readonly [string, string, () => Promise<readonly Made[]>]>([
    [
      'has ended',
      'CERTIFICATE_EXPIRED',
      async () => [await agentLeaf({ until: Date.now() - 1_000 }), issuing],
    ],
    [
      'is of another CA of the same name',
      'CERTIFICATE_UNTRUSTED',
      async () => [await agentLeaf({ by: await makeRoot({ ...current, name: 'CN=issuing' }) })],
    ],
    ['comes without its issuer', 'CERTIFICATE_UNTRUSTED', async () => [await agentLeaf()]],
    [
      'is of a gate, for signing',
      'CERTIFICATE_UNTRUSTED',
      async () => [
        await agentLeaf({
          extensions: [
            constraints(false),
            signing,
            purposes(x509.ExtendedKeyUsage.codeSigning),
            uris(planner()),
          ],
        }),
        issuing,
      ],
    ],
    [
      'is another agent’s',
      'AGENT_REFUSED',
      async () => [
        await agentLeaf({ extensions: [...clientExtensions, uris(`spiffe://${trustDomain}/agent/other`)] }),
        issuing,
      ],
    ],
  ])('and shows one that %s is denied in a signed verdict: %s', async (_, reason, made) => {
    const answer = await act({ made: await made() });
    expect(answer.status).toBe(403);
    expect(await stated(answer)).toMatchObject({ verdict: 'deny', reason });
  });

  it('may have it named by a trusted proxy, and by nobody else', async () => {
    const leaf = await agentLeaf();
    const byteSequence = (der: Uint8Array): string => `:${Buffer.from(der).toString('base64')}:`;
    const headers = { 'client-cert': byteSequence(leaf.der), 'client-cert-chain': byteSequence(issuing.der) };
    const proxied = await stated(await act({ headers, from: '127.0.0.3' }));
    expect(proxied).toMatchObject({
      verdict: 'allow',
      principal: { agent: { id: planner(), binding: 'mtls' } },
    });
    const spoofed = await stated(await act({ headers }));
    expect(spoofed).toMatchObject({ verdict: 'deny', principal: { agent: { binding: 'none' } } });
    const unreadable = await stated(await act({ headers: { 'client-cert': 'x' }, from: '127.0.0.3' }));
    expect(unreadable).toMatchObject({ verdict: 'deny', reason: 'CERTIFICATE_MALFORMED' });
    const proxysOwn = await stated(await act({ made: [leaf, issuing], from: '127.0.0.3' }));
    expect(proxysOwn).toMatchObject({ verdict: 'deny', principal: { agent: { binding: 'none' } } });
  });
});

describe('a device', () => {
  const laptop = (by: Made): Promise<Made> =>
    make({ ...current, name: 'CN=laptop-7', by, extensions: clientExtensions });

  it('is named by its certificate', async () => {
    const answer = await stated(await act({ made: [await laptop(devices)], action: 'from-laptop' }));
    expect(answer).toMatchObject({ verdict: 'allow', principal: { device: { id: 'laptop-7' } } });
  });

  it('is none by the word of the agents’ authority, and no agent by its own', async () => {
    const foreign = await stated(await act({ made: [await laptop(agents)], action: 'from-laptop' }));
    expect(foreign).toMatchObject({ verdict: 'deny', reason: 'CERTIFICATE_UNTRUSTED' });
    const posing = await agentLeaf({ name: 'CN=laptop-7', by: devices });
    expect(await stated(await act({ made: [posing] }))).toMatchObject({
      verdict: 'deny',
      principal: { agent: { binding: 'none' } },
    });
  });
});

describe('a request that is typed into openssl s_client', () => {
  const typed = async (made: readonly Made[], args: readonly string[]): Promise<string> => {
    const [leaf, ...chain] = made;
    if (leaf !== undefined) {
      writeFileSync(file('client.pem'), pemOf(leaf));
      writeFileSync(file('client.key'), await keyPemOf(leaf));
    }
    writeFileSync(file('chain.pem'), pemOf(...chain));
    const certificate = leaf ? ['-cert', 'client.pem', '-key', 'client.key'] : [];
    const intermediates = chain.length > 0 ? ['-cert_chain', 'chain.pem'] : [];
    const child = spawn(
      'openssl',
      [
        ...['s_client', '-connect', `127.0.0.1:${port}`, '-CAfile', 'servers.pem', '-ign_eof', '-quiet'],
        ...[...args, ...certificate, ...intermediates],
      ],
      { cwd: folder },
    );
    let answer = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
    child.stdin.write(
      `POST /actions/set HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${apiKey}\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`,
    );
    await new Promise((resolve) => child.once('close', resolve));
    return answer;
  };
  const told = (answer: string): Answer => {
    const body = answer.slice(answer.indexOf('{"callId"'), answer.lastIndexOf('}') + 1);
    return { status: Number(answer.slice(9, 12)), ...(JSON.parse(body) as Omit<Answer, 'status'>) };
  };

  it.each(['-tls1_2', '-tls1_3'])('names its agent over %s', async (version) => {
    const answer = told(await typed([await agentLeaf(), issuing], [version]));
    expect(await stated(answer)).toMatchObject({
      verdict: 'allow',
      principal: { agent: { id: planner(), binding: 'mtls' } },
    });
  });

  it.each(['-tls1_2', '-tls1_3'])('is known again when its session comes back over %s', async (version) => {
    const made = [await agentLeaf(), issuing];
    const session = `session${version}`;
    await typed(made, [version, '-sess_out', session]);
    const answer = told(await typed(made, [version, '-sess_in', session]));
    expect(await stated(answer)).toMatchObject({ verdict: 'allow', principal: { agent: { id: planner() } } });
  });

  it('is refused with a certificate that has ended', async () => {
    const answer = told(await typed([await agentLeaf({ until: Date.now() - 1_000 }), issuing], []));
    expect(await stated(answer)).toMatchObject({ verdict: 'deny', reason: 'CERTIFICATE_EXPIRED' });
  });

  it('without a certificate is nobody’s but the key’s', async () => {
    expect(await stated(told(await typed([], [])))).toMatchObject({
      verdict: 'deny',
      principal: { agent: { binding: 'none' } },
    });
  });
});

describe('a configuration that is read again', () => {
  const taken = async (): Promise<string> => {
    const before = said.length;
    signals.emit('SIGHUP');
    await expect.poll(() => said.slice(before)).toMatch(/configuration (?:is|stays) in force/);
    return said.slice(before);
  };
  const shown = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const asked = request(
        { host: '127.0.0.1', port, path: '/healthz', ca: readFileSync(file('servers.pem')), agent: false },
        (response) => {
          const { socket } = response;
          resolve(
            (socket as unknown as { getPeerCertificate(): { subject: { CN: string } } }).getPeerCertificate()
              .subject.CN,
          );
          response.resume();
        },
      );
      asked.on('error', reject).end();
    });

  it('shows its new certificate; and the old one when the new one is none', async () => {
    const next = await serverLeaf('next');
    writeFileSync(file('own.pem'), pemOf(next));
    expect(await taken()).toMatch(/CONFIG_INVALID.*own\.pem/);
    expect(await shown()).toBe('gate');
    writeFileSync(file('own.key'), await keyPemOf(next));
    expect(await taken()).toContain('the new configuration is in force');
    expect(await shown()).toBe('next');
  });

  it('believes other authorities, and those of before no more', async () => {
    const others = await makeRoot({ ...current, name: 'CN=agents' });
    writeFileSync(file('agents.pem'), pemOf(others));
    await taken();
    const former = await stated(await act({ made: [await agentLeaf(), issuing] }));
    expect(former).toMatchObject({ verdict: 'deny', reason: 'CERTIFICATE_UNTRUSTED' });
    const leaf = await agentLeaf({ by: others });
    expect(await stated(await act({ made: [leaf] }))).toMatchObject({ verdict: 'allow' });
  });

  it('stays as it was where one authority is for agents and for devices', async () => {
    writeFileSync(file('devices.pem'), readFileSync(file('agents.pem')));
    expect(await taken()).toMatch(/CONFIG_INVALID.*roots of their own/);
  });
});
