import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { login } from '../../../examples/ot-pressure/login.ts';
import { issuerPresets } from '../../../src/identity/tokens/issuer-presets.ts';
import { createKeySet } from '../../../src/identity/tokens/key-set.ts';
import { loadFromUrl } from '../../../src/identity/tokens/jwks-url.ts';
import type { Human } from '../../../src/identity/principal.ts';
import { humanReader } from '../../../src/identity/tokens/read-claims.ts';
import { createTokenVerifier, type TokenVerifier } from '../../../src/identity/tokens/token-verifier.ts';
import { repository } from '../../architecture/source.ts';
import { audience, refused, testIssuer } from './tokens.ts';

const redirectUri = 'http://127.0.0.1/callback';

let provider: ChildProcess;
let issuer = '';

beforeAll(async () => {
  const program = join(repository, 'examples/ot-pressure/identity-provider.mjs');
  provider = spawn(process.execPath, [program, audience, redirectUri], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = (await once(provider.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  issuer = line.toString().trim();
}, 30_000);

afterAll(() => {
  provider.kill();
});

function newVerifier(): TokenVerifier<Human> {
  return createTokenVerifier({
    holder: 'HUMAN',
    version: '1',
    issuers: [
      testIssuer(createKeySet({ algorithms: ['ES256'], load: loadFromUrl(`${issuer}/jwks`, fetch) }), {
        issuer,
        read: humanReader(issuer, issuerPresets.generic, { tenant: 'default' }),
      }),
    ],
  });
}

describe('a real OpenID Connect provider', () => {
  it('has its tokens believed, also after its death, by whoever knows its keys', async () => {
    const tokenFor = (person: string) => login({ issuer, resource: audience, redirectUri, person });
    const [ada, ben] = [await tokenFor('ada'), await tokenFor('ben')];
    const known = newVerifier();
    expect(await known.verify(ada, 'default', Date.now())).toMatchObject({
      value: { issuer, subject: 'ada', roles: ['ot.operator'], groups: [] },
    });

    provider.kill();
    await once(provider, 'exit');
    expect(await known.verify(ben, 'default', Date.now())).toMatchObject({
      value: { roles: ['accounting'] },
    });
    await expect(newVerifier().verify(ben, 'default', Date.now())).rejects.toThrow(
      refused('HUMAN_TOKEN_KEYS_UNAVAILABLE'),
    );
  }, 30_000);
});
