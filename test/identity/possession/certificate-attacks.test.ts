import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { createCertificateVerifier } from '../../../src/identity/possession/certificate.ts';
import type { CertificateVerifier } from '../../../src/identity/possession/possession.ts';
import {
  caExtensions,
  clientExtensions,
  constraints,
  keyUsageFlags as flags,
  make,
  makeRoot,
  now,
  purposes,
  uris,
  usage,
  type Made,
  type Wanted,
  x509,
} from './certificates.ts';

const trustDomain = 'example.org';
const planner = 'spiffe://example.org/agent/planner';
const hour = 3_600_000;

let root: Made;
let devices: Made;
let verifier: CertificateVerifier;

const agentLeaf = (over: Wanted = {}): Promise<Made> =>
  make({ name: 'CN=planner', by: root, extensions: [...clientExtensions, uris(planner)], ...over });
const intermediate = (over: Wanted = {}): Promise<Made> =>
  make({ name: 'CN=issuing', by: root, extensions: caExtensions(0), ...over });
const refusal = (code: string) => ({ code });

beforeAll(async () => {
  [root, devices] = await Promise.all([makeRoot(), makeRoot({ name: 'CN=devices' })]);
  verifier = createCertificateVerifier({
    agents: [{ roots: [root.der], trustDomain, tenant: 'acme' }],
    devices: [{ roots: [devices.der], tenant: 'acme', trust: 'managed', id: 'uri' }],
  });
});

interface Attack {
  readonly title: string;
  readonly code?: string;
  readonly attempt: () => Promise<readonly Made[]>;
}

const [, , clientOnly] = clientExtensions as [x509.Extension, x509.Extension, x509.Extension];
const signing = usage(flags.digitalSignature);

const attacks: readonly Attack[] = [
  {
    title: 'of another CA with the same name',
    attempt: async () => [await agentLeaf({ by: await makeRoot() })],
  },
  {
    title: 'of another CA that comes along',
    attempt: async () => {
      const own = await makeRoot({ name: 'CN=own' });
      return [await agentLeaf({ by: own }), own];
    },
  },
  {
    title: 'that issued itself',
    attempt: async () => [await make({ name: 'CN=root', extensions: [...clientExtensions, uris(planner)] })],
  },
  {
    title: 'that another client has issued',
    attempt: async () => {
      const leaf = await agentLeaf();
      return [await agentLeaf({ by: leaf, name: 'CN=other' }), leaf];
    },
  },
  {
    title: 'that is a CA itself',
    attempt: async () => [
      await agentLeaf({ extensions: [constraints(true), signing, clientOnly, uris(planner)] }),
    ],
  },
  {
    title: 'that may sign certificates',
    attempt: async () => [
      await agentLeaf({
        extensions: [
          constraints(false),
          usage(flags.digitalSignature | flags.keyCertSign),
          clientOnly,
          uris(planner),
        ],
      }),
    ],
  },
  {
    title: 'that may not sign',
    attempt: async () => [
      await agentLeaf({
        extensions: [constraints(false), usage(flags.keyEncipherment), clientOnly, uris(planner)],
      }),
    ],
  },
  {
    title: 'that says nothing of its use',
    attempt: async () => [await agentLeaf({ extensions: [constraints(false), uris(planner)] })],
  },
  {
    title: 'with two URIs',
    attempt: async () => [
      await agentLeaf({
        extensions: [...clientExtensions, uris(planner, 'spiffe://example.org/agent/admin')],
      }),
    ],
  },
  {
    title: 'without a URI',
    attempt: async () => [await agentLeaf({ extensions: clientExtensions })],
  },
  ...[
    'spiffe://example.com/agent/planner',
    'spiffe://example.org',
    'spiffe://example.org/',
    'spiffe://example.org/agent/../planner',
    'spiffe://EXAMPLE.org/agent/planner',
    'spiffe://example.org/agent/planner?x',
    'spiffe://example.org:443/agent/planner',
    'https://example.org/agent/planner',
  ].map((uri) => ({
    title: `for ${uri}`,
    attempt: async () => [await agentLeaf({ extensions: [...clientExtensions, uris(uri)] })],
  })),
  {
    title: 'for servers alone',
    attempt: async () => [
      await agentLeaf({
        extensions: [constraints(false), signing, purposes(x509.ExtendedKeyUsage.serverAuth), uris(planner)],
      }),
    ],
  },
  {
    title: 'of a gate, which signs statements with it',
    attempt: async () => [
      await agentLeaf({
        extensions: [
          constraints(false),
          signing,
          purposes(x509.ExtendedKeyUsage.codeSigning),
          uris('spiffe://example.org/gate'),
        ],
      }),
    ],
  },
  {
    title: 'with a critical extension that nobody here knows',
    attempt: async () => [
      await agentLeaf({
        extensions: [
          ...clientExtensions,
          uris(planner),
          new x509.Extension('1.2.3.4', true, Uint8Array.of(5, 0)),
        ],
      }),
    ],
  },
  {
    title: 'of an intermediate that is no CA',
    attempt: async () => {
      const by = await intermediate({ extensions: [constraints(false), usage(flags.keyCertSign)] });
      return [await agentLeaf({ by }), by];
    },
  },
  {
    title: 'of an intermediate that may not sign certificates',
    attempt: async () => {
      const by = await intermediate({ extensions: [constraints(true), usage(flags.cRLSign)] });
      return [await agentLeaf({ by }), by];
    },
  },
  {
    title: 'of an intermediate for servers',
    attempt: async () => {
      const by = await intermediate({
        extensions: [...caExtensions(), purposes(x509.ExtendedKeyUsage.serverAuth)],
      });
      return [await agentLeaf({ by }), by];
    },
  },
  {
    title: 'of an intermediate of another trust domain',
    attempt: async () => {
      const by = await intermediate({ extensions: [...caExtensions(), uris('spiffe://example.com')] });
      return [await agentLeaf({ by }), by];
    },
  },
  {
    title: 'of an intermediate with name constraints, which nobody here holds',
    attempt: async () => {
      const nameConstraints = new x509.Extension('2.5.29.30', true, Uint8Array.of(0x30, 0));
      const by = await intermediate({ extensions: [...caExtensions(), nameConstraints] });
      return [await agentLeaf({ by }), by];
    },
  },
  {
    title: 'beyond the length that a path may have',
    attempt: async () => {
      const first = await intermediate();
      const second = await make({ name: 'CN=second', by: first, extensions: caExtensions() });
      return [await agentLeaf({ by: second }), second, first];
    },
  },
  {
    title: 'at the end of a path that is too long for anybody',
    attempt: async () => {
      const path: Made[] = [root];
      for (const at of [1, 2, 3, 4])
        path.unshift(await make({ name: `CN=${at}`, by: path[0] as Made, extensions: caExtensions() }));
      return [await agentLeaf({ by: path[0] as Made }), ...path];
    },
  },
  {
    title: 'of a device authority, in an agent’s name',
    attempt: async () => {
      const by = await make({ name: 'CN=devices', by: root, keys: devices.keys, extensions: caExtensions() });
      return [await agentLeaf({ by: devices }), by];
    },
    code: 'device',
  },
  {
    title: 'that has ended',
    code: 'CERTIFICATE_EXPIRED',
    attempt: async () => [await agentLeaf({ from: now - 2 * hour, until: now - 1_000 })],
  },
  {
    title: 'of an intermediate that has ended',
    code: 'CERTIFICATE_EXPIRED',
    attempt: async () => {
      const by = await intermediate({ until: now - 1_000 });
      return [await agentLeaf({ by }), by];
    },
  },
  {
    title: 'of somebody else that has ended as well',
    attempt: async () => [await agentLeaf({ by: await makeRoot(), until: now - 1_000 })],
  },
];

describe('a client certificate is no agent’s', () => {
  it.each(attacks)('$title', async ({ attempt, code = 'CERTIFICATE_UNTRUSTED' }) => {
    const [leaf, ...chain] = await attempt();
    const asked = verifier.verify(
      (leaf as Made).der,
      chain.map(({ der }) => der),
      now,
    );
    if (code === 'device') expect((await asked).holder.kind).toBe('device');
    else await expect(asked).rejects.toMatchObject(refusal(code));
  });

  it('when its bytes are not those that were signed', async () => {
    const { der } = await agentLeaf();
    await fc.assert(
      fc.asyncProperty(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 }), async (at, bits) => {
        const changed = der.slice();
        changed[at] = (changed[at] as number) ^ bits;
        await expect(verifier.verify(changed, [], now)).rejects.toMatchObject({
          code: expect.stringMatching(/^CERTIFICATE_(?:MALFORMED|UNTRUSTED)$/) as string,
        });
      }),
      { numRuns: 150 },
    );
  });

  it('when it is none at all', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        await expect(verifier.verify(bytes, [bytes], now)).rejects.toMatchObject(
          refusal('CERTIFICATE_MALFORMED'),
        );
      }),
      { numRuns: 100 },
    );
  });

  it('after so many signatures that somebody wants to keep us busy', async () => {
    const path = await Promise.all(
      Array.from({ length: 8 }, () => make({ name: 'CN=same', extensions: caExtensions() })),
    );
    const leaf = await agentLeaf({ by: path[0] as Made });
    const began = performance.now();
    await expect(
      verifier.verify(
        leaf.der,
        path.map(({ der }) => der),
        now,
      ),
    ).rejects.toMatchObject(refusal('CERTIFICATE_UNTRUSTED'));
    expect(performance.now() - began).toBeLessThan(500);
  });
});
