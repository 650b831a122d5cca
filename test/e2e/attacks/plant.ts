import { EventEmitter } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApiKey } from '../../../src/runtime/home/api-keys.ts';
import { createHome } from '../../../src/runtime/home/create-home.ts';
import { openHome, type Home } from '../../../src/runtime/home/open-home.ts';
import { runServe } from '../../../src/runtime/serve/serve.ts';
import { loadTrust } from '../../../src/verify/trust.ts';
import { verifyInputs } from '../../../src/verify/verify.ts';
import {
  clientExtensions,
  keyPemOf,
  make,
  makeRoot,
  pemOf,
  uris,
  x509,
  type Made,
} from '../../identity/possession/certificates.ts';
import { startIdentityProvider, type IdentityProvider } from '../../support/identity-provider.ts';

/** What issuers call the gate. */
export const audience = 'https://gate.test';
/** Where a trusted proxy asks from; whoever asks from elsewhere is no proxy. */
export const proxy = '127.0.0.2';
/** Where nothing listens: an issuer whose keys cannot be had. */
const nowhere = 'http://127.0.0.1:9/jwks';

/** A gate behind TLS with a real identity provider, two authorities, and a machine that must not move for an attacker. */
export interface Plant extends AsyncDisposable {
  readonly home: Home;
  readonly provider: IdentityProvider;
  /** API keys by what they are for. */
  readonly keys: Readonly<Record<'planner' | 'several' | 'reader' | 'abroad' | 'otherTenant', string>>;
  /** Client certificates of this agent, or of this device. */
  readonly agent: (name: string) => Promise<Made>;
  readonly device: (name: string, by?: Made) => Promise<Made>;
  /** The issuer whose keys are where we serve them, and what it serves from now on. */
  readonly poisoned: { readonly issuer: string; serve(answer: KeysAnswer): void };
  /** Where an action is, as a client signs it. */
  readonly url: (action: string) => string;
  readonly ask: (attempt: Attempt) => Promise<Answered>;
  /** How often the machine was moved. */
  readonly moves: () => number;
}

export type KeysAnswer = { readonly body: string } | { readonly redirect: string };

export interface Attempt {
  readonly key: string;
  readonly action?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly certificate?: Made;
  /** The loopback address that it comes from. */
  readonly from?: string;
}

export interface Answered {
  readonly status: number;
  /** Of the denial; undefined for a call that ran. */
  readonly code: string | undefined;
  /** What the log's statement says, once its envelope has been verified as a denial, or as a call that ran. */
  readonly stated: { readonly verdict: string; readonly code: string; readonly principal: Principal };
}

interface Principal {
  readonly agent?: { readonly id: string; readonly binding: string };
  readonly human?: { readonly subject: string };
  readonly network?: { readonly zone: string };
}

const policy = `version: 1
name: plant
rules:
  - { id: move, effect: allow, tools: ["actions/move"], when: "human.subject == 'ada'" }
  - { id: status, effect: allow, tools: ["actions/status"] }
  - { id: managed, effect: allow, tools: ["actions/from-managed"], when: "device.trust == 'managed'" }
  - { id: control, effect: allow, tools: ["actions/from-control"], when: "network.zone == 'control'" }
  - { id: proven, effect: allow, tools: ["actions/proven"], when: "agent.binding == 'mtls'" }
`;

interface Places {
  readonly machine: string;
  readonly provider: string;
  readonly poisoned: string;
  readonly trustDomain: string;
}

const configuration = ({ machine, provider, poisoned, trustDomain }: Places): string => {
  const action = `{ parameters: { type: object }, request: { url: "${machine}" } }`;
  return `version: 1
listen: { port: 0, tls: { certificate: own.pem, key: own.key, clients: optional } }
policies: [policy.yaml]
identity:
  audience: ${audience}
  humans:
    - issuer: ${provider}
      keys: { url: ${provider}/jwks }
      algorithms: [ES256]
      claims: { tenant: /org }
      tenants: { plant: default, elsewhere: elsewhere }
      actors: { planner: planner }
    - { issuer: ${poisoned}, keys: { url: ${poisoned}/jwks }, algorithms: [ES256] }
    - { issuer: https://down.test, keys: { url: "${nowhere}" }, algorithms: [ES256] }
  agents:
    - issuer: ${provider}
      keys: { url: ${provider}/jwks }
      algorithms: [ES256]
      agents: { planner: planner }
  devices:
    - { issuer: https://mdm.test, keys: { file: mdm.json }, algorithms: [ES256] }
  certificates:
    agents: [{ authority: agents.pem, trustDomain: ${trustDomain} }]
    devices: [{ authority: devices.pem, id: subject-cn }]
  zones: { control: [10.20.0.0/16] }
  trustedProxies: [${proxy}]
actions:
  move: ${action}
  status: ${action}
  from-managed: ${action}
  from-control: ${action}
  proven: ${action}
`;
};

const current = { from: Date.now() - 60_000, until: Date.now() + 3_600_000 };

export async function startPlant(deviceKeys: Uint8Array): Promise<Plant> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-attacks-'));
  const write = (name: string, text: string | Uint8Array): void => writeFileSync(join(folder, name), text);
  let moved = 0;
  let served: KeysAnswer = { body: '{"keys":[]}' };
  const machine = await listening(
    createServer((asked, answer) => {
      moved += 1;
      asked.resume().on('end', () => answer.end('{"moved":true}'));
    }),
  );
  const poisoned = await listening(
    createServer((_, answer) => {
      if ('redirect' in served) answer.writeHead(302, { location: served.redirect }).end();
      else answer.end(served.body);
    }),
  );
  const provider = await startIdentityProvider({
    people: {
      ada: { org: 'plant', roles: ['operator'] },
      eve: { org: 'elsewhere' },
      carol: {
        org: 'plant',
        authorization_details: [{ type: 'countersign_tools', tools: ['actions/status'] }],
      },
    },
  });
  const root = join(folder, 'home');
  const { trustedRoot } = await createHome(root, undefined, () => undefined);
  const home = openHome(root, '', () => undefined);
  const { trustDomain } = home.config;
  const scope = { tenant: 'default', agents: ['planner'] };
  const made = {
    planner: await createApiKey(home, scope),
    several: await createApiKey(home, { ...scope, agents: ['planner', 'painter'] }),
    reader: await createApiKey(home, { ...scope, tools: ['actions/status'] }),
    abroad: await createApiKey(home, { ...scope, cidrs: ['10.20.0.0/16'] }),
    otherTenant: await createApiKey(home, { ...scope, tenant: 'elsewhere' }),
  };

  const [agents, devices, servers] = (await Promise.all(
    ['agents', 'devices', 'servers'].map((name) => makeRoot({ ...current, name: `CN=${name}` })),
  )) as [Made, Made, Made];
  const gateNames = new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }]);
  const certificate = await make({ ...current, name: 'CN=gate', by: servers, extensions: [gateNames] });
  write('own.pem', pemOf(certificate));
  write('own.key', await keyPemOf(certificate));
  write('agents.pem', pemOf(agents));
  write('devices.pem', pemOf(devices));
  write('mdm.json', deviceKeys);
  write('policy.yaml', policy);
  write(
    'countersign.yaml',
    configuration({ machine: machine.url, provider: provider.issuer, poisoned: poisoned.url, trustDomain }),
  );

  const gate = await serve(root, join(folder, 'countersign.yaml'));
  const trust = await loadTrust(Uint8Array.from(readFileSync(trustedRoot)));
  return {
    home,
    provider,
    keys: mapValues(made, ({ apiKey }) => apiKey),
    agent: (name) =>
      make({
        ...current,
        name: `CN=${name}`,
        by: agents,
        extensions: [...clientExtensions, uris(`spiffe://${trustDomain}/agent/${name}`)],
      }),
    device: (name, by = devices) =>
      make({ ...current, name: `CN=${name}`, by, extensions: clientExtensions }),
    poisoned: { issuer: poisoned.url, serve: (answer) => (served = answer) },
    url: (action) => `https://127.0.0.1:${gate.port}/actions/${action}`,
    async ask(attempt) {
      const { status, text } = await post(gate.port, pemOf(servers), attempt);
      return { status, ...(await read(text, trust)) };
    },
    moves: () => moved,
    async [Symbol.asyncDispose]() {
      await gate.end();
      await provider[Symbol.asyncDispose]();
      for (const { server } of [machine, poisoned]) server.closeAllConnections();
      await Promise.all([machine, poisoned].map(({ server }) => new Promise((end) => server.close(end))));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function mapValues<K extends string, A, B>(of: Record<K, A>, map: (value: A) => B): Record<K, B> {
  const entries = Object.entries<A>(of).map(([key, value]) => [key, map(value)]);
  return Object.fromEntries(entries) as Record<K, B>;
}

async function listening(server: Server): Promise<{ readonly server: Server; readonly url: string }> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function serve(
  home: string,
  configFile: string,
): Promise<{ readonly port: number; readonly end: () => Promise<unknown> }> {
  const signals = new EventEmitter();
  let said = '';
  const begun = Promise.withResolvers<string>();
  const ended = runServe({
    home,
    ledger: '',
    serves: { configFile },
    env: {},
    stderr: { write: (text: string) => (said += text) },
    onListening: begun.resolve,
    watch: false,
    signals,
  });
  const url = await Promise.race([begun.promise, ended.then(() => Promise.reject(new Error(said)))]);
  return {
    port: Number(new URL(url).port),
    end: () => {
      signals.emit('SIGTERM');
      return ended;
    },
  };
}

async function post(
  port: number,
  ca: string,
  { key, action = 'move', headers = {}, certificate, from }: Attempt,
): Promise<{ readonly status: number; readonly text: string }> {
  const identity = certificate && { cert: pemOf(certificate), key: await keyPemOf(certificate) };
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        ...{ host: '127.0.0.1', port, path: `/actions/${action}`, method: 'POST', agent: false, ca },
        ...identity,
        ...(from && { localAddress: from }),
        headers: { 'countersign-key': key, 'content-type': 'application/json', ...headers },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      },
    );
    asked.on('error', reject).end('{}');
  });
}

interface Meta {
  readonly 'dev.countersign/denial'?: { readonly code: string };
  readonly 'dev.countersign/envelope': { readonly verdict: { dsseEnvelope: { payload: string } } };
}

/** Verifies what came back as anybody would who has the trust root, and nothing else of ours. */
async function read(
  text: string,
  trust: Awaited<ReturnType<typeof loadTrust>>,
): Promise<Omit<Answered, 'status'>> {
  const { _meta: meta } = JSON.parse(text) as { _meta: Meta };
  const denial = meta['dev.countersign/denial'];
  const answer = { name: 'answer', bytes: Uint8Array.from(Buffer.from(text)) };
  const report = await verifyInputs([answer], trust, { expect: denial ? 'deny' : 'executed' });
  if (!report.ok) throw new Error(`The answer does not verify: ${JSON.stringify(report.failures)} ${text}`);
  const { payload } = meta['dev.countersign/envelope'].verdict.dsseEnvelope;
  const { predicate } = JSON.parse(Buffer.from(payload, 'base64').toString()) as {
    predicate: { verdict: string; reason: { code: string }; principal: Principal };
  };
  const { verdict, reason, principal } = predicate;
  return { code: denial?.code, stated: { verdict, code: reason.code, principal } };
}
