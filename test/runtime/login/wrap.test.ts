import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deviceLogin } from '../../../src/runtime/login/device-login.ts';
import { draftLogin, type Login } from '../../../src/runtime/login/login-file.ts';
import { startIdentityProvider, type IdentityProvider } from '../../support/identity-provider.ts';
import { startWire, type Wire, type WireAnswer } from '../../support/wire.ts';
import { actingHome, program, statedIn, type ActingHome } from './acting-home.ts';
import { audience, placeAt } from './folder.ts';

const scripted = new URL('../../support/scripted-server.mjs', import.meta.url).pathname;

let provider: IdentityProvider;
let home: ActingHome;
let server = '';

beforeAll(async () => {
  provider = await startIdentityProvider();
  home = await actingHome(provider.issuer, audience);
  home.policy(
    `  - { id: operators, effect: allow, tools: ['plant/*'], when: '"ot.operator" in human.roles' }`,
    `  - { id: anybody, effect: allow, tools: ['open/*'] }`,
  );
  server = join(home.work, 'server.mjs');
  writeFileSync(
    server,
    `export default {
      initialize: () => JSON.stringify({ protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'x', version: '1' } }),
      'tools/list': () => JSON.stringify({ tools: [{ name: 'set', inputSchema: { type: 'object' } }] }),
      'tools/call': () => JSON.stringify({ content: [{ type: 'text', text: Object.keys(process.env).join(' ') }] }),
    };`,
  );
}, 60_000);
afterAll(async () => {
  home[Symbol.dispose]();
  await provider.kill();
});

async function wrapped(
  use: (wire: Wire) => Promise<void>,
  env: NodeJS.ProcessEnv = {},
  name = 'plant',
): Promise<string> {
  const args = [program, 'wrap', '--name', name, '--', process.execPath, scripted, server];
  const wire = startWire(process.execPath, args, { ...home.env, ...env }, home.work);
  try {
    await wire.request('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'x', version: '1' },
    });
    wire.send('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
    await use(wire);
  } finally {
    await wire.end();
  }
  return wire.stderr();
}

const set = (wire: Wire) => wire.request('tools/call', { name: 'set', arguments: {} });

interface Meta {
  readonly 'dev.countersign/envelope': { readonly verdict: unknown };
  readonly 'dev.countersign/denial'?: { readonly code: string };
}
const metaOf = ({ result }: WireAnswer) => result?._meta as unknown as Meta;
const humanIn = (answer: WireAnswer) =>
  statedIn(metaOf(answer)['dev.countersign/envelope'].verdict).principal?.human;
const codeOf = (answer: WireAnswer) => {
  // Signed, not only said.
  const { verdict } = metaOf(answer)['dev.countersign/envelope'];
  expect(JSON.stringify(statedIn(verdict))).toContain(metaOf(answer)['dev.countersign/denial']!.code);
  return metaOf(answer)['dev.countersign/denial']!.code;
};

async function loggedIn(): Promise<Login> {
  const { promise: approved, resolve } = Promise.withResolvers<void>();
  const login = await deviceLogin({
    ...placeAt(provider.issuer),
    prompt: ({ userCode }) => void provider.approve(userCode, 'ada').then(resolve),
    waiting: () => undefined,
    pause: () => approved,
  });
  draftLogin(join(home.root, 'login.json')).commit(login);
  return login;
}

describe('a wrapped server', () => {
  it('acts for the person who has logged in, for nobody before, and for nobody else after the login has ended', async () => {
    home.configure(`login: { issuer: '${provider.issuer}', clientId: countersign }\n`);
    const stderr = await wrapped(async (wire) => {
      expect(codeOf(await set(wire))).toBe('HUMAN_MISSING');

      const login = await loggedIn();
      const answer = await set(wire);
      expect(answer.result?.isError).toBeUndefined();
      expect(JSON.stringify(humanIn(answer))).toContain('"ada"');
      expect(JSON.stringify(answer)).not.toContain(login.tokens!.access);

      await fetch(`${provider.issuer}/token/revocation`, {
        method: 'POST',
        body: new URLSearchParams({ client_id: 'countersign', token: login.tokens!.refresh! }),
      });
      const ended = { ...login.tokens!, expiresAt: Date.now() - 1 };
      draftLogin(join(home.root, 'login.json')).commit({ ...login, tokens: ended });
      expect(codeOf(await set(wire))).toBe('LOGIN_MISSING');
      expect(codeOf(await set(wire))).toBe('LOGIN_MISSING');
    });
    expect(stderr).not.toMatch(/eyJ/);

    // Not as if it had never been: policy that asks for nobody is not a way around it.
    await wrapped(async (wire) => expect(codeOf(await set(wire))).toBe('LOGIN_MISSING'), {}, 'open');
  }, 60_000);

  it('acts for whom the environment names, and does not hand that on', async () => {
    home.configure();
    const ada = await provider.login('ada', audience);
    await wrapped(
      async (wire) => {
        const answer = await set(wire);
        expect(JSON.stringify(humanIn(answer))).toContain('"ada"');
        expect(JSON.stringify(answer.result?.['content'])).not.toContain('COUNTERSIGN_HUMAN_TOKEN');
      },
      { COUNTERSIGN_HUMAN_TOKEN: ada },
    );
    const file = join(home.work, 'token');
    writeFileSync(file, `${await provider.login('ben', audience)}\n`);
    await wrapped(
      async (wire) => {
        expect(codeOf(await set(wire))).toBe('NO_RULE_ALLOWS');
        writeFileSync(file, ada);
        expect(JSON.stringify(humanIn(await set(wire)))).toContain('"ada"');
        writeFileSync(file, `${ada.slice(0, -4)}AAAA`);
        expect(codeOf(await set(wire))).toBe('HUMAN_TOKEN_SIGNATURE_INVALID');
        writeFileSync(file, '');
        expect(codeOf(await set(wire))).toBe('LOGIN_FAILED');
      },
      { COUNTERSIGN_HUMAN_TOKEN_FILE: file },
    );
  }, 60_000);

  it('acts for whom a command names, which is run without a shell, and once for as long as its token counts', async () => {
    const runs = join(home.work, 'runs');
    writeFileSync(runs, '');
    const script = join(home.work, 'token.mjs');
    writeFileSync(
      script,
      `import { appendFileSync } from 'node:fs';
       appendFileSync(${JSON.stringify(runs)}, 'x');
       console.log(process.argv[2]);`,
    );
    const ada = await provider.login('ada', audience);
    home.configure(`human: { command: ['${process.execPath}', '${script}', '${ada}'] }\n`);
    await wrapped(async (wire) => {
      for (let time = 0; time < 3; time++)
        expect(JSON.stringify(humanIn(await set(wire)))).toContain('"ada"');
    });
    expect(readFileSync(runs, 'utf8')).toBe('x');

    home.configure(
      `human: { command: ['${process.execPath}', '-e', 'console.log("secret"); process.exit(3)'] }\n`,
    );
    const stderr = await wrapped(async (wire) => {
      const answer = await set(wire);
      expect(codeOf(answer)).toBe('LOGIN_FAILED');
      expect(JSON.stringify(answer)).toContain('exit code 3');
      expect(JSON.stringify(answer)).not.toContain('secret');
    });
    expect(stderr).not.toContain('secret');
  }, 60_000);
});
