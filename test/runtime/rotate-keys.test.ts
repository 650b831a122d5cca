import { cpSync, existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { Verifier, toSignedEntity, toTrustMaterial } from '@sigstore/verify';
import { describe, expect, it } from 'vitest';
import { assembleBundle } from '../../src/envelope/bundle.ts';
import { change } from '../../src/envelope/statements.ts';
import { notarise } from '../../src/gate/notary.ts';
import type { NotaryParts } from '../../src/gate/parts.ts';
import { ed25519Signer } from '../../src/pki/signer-node.ts';
import { parseCertificate } from '../../src/pki/parse-certificate.ts';
import { logKeyIdOf, openHomeLedger } from '../../src/runtime/home/home-ledger.ts';
import { firstKeyFiles } from '../../src/runtime/home/home-layout.ts';
import { readKey } from '../../src/runtime/keys/key-store.ts';
import { listKeys } from '../../src/runtime/keys/list-keys.ts';
import { keyPurposes } from '../../src/runtime/keys/new-keys.ts';
import { openNotary } from '../../src/runtime/home/notary.ts';
import type { Home } from '../../src/runtime/home/open-home.ts';
import { defaultOverlap, rotateKey } from '../../src/runtime/keys/rotate-keys.ts';
import { withHome } from '../../src/runtime/home/with-home.ts';
import { proveIn } from '../envelope/tiny-log.ts';
import { refusalOf } from '../ledger/settled.ts';
import { appendSomething, envelopesOf, madeHome, refusals } from './made-home.ts';

const minute = 60_000;
const hour = 60 * minute;

function expectStockAccepts(home: Home, envelopes: readonly string[]): void {
  const root = TrustedRoot.fromJSON(JSON.parse(readFileSync(home.layout.trustedRoot, 'utf8')));
  const verifier = new Verifier(toTrustMaterial(root));
  for (const text of envelopes) {
    const entity = toSignedEntity(bundleFromJSON(JSON.parse(text)));
    verifier.verify(entity, { subjectAlternativeName: '^spiffe://.*$' });
  }
}

/** What the log says of keys: one event for each that is not the first of its purpose. */
async function expectAnnounced(home: Home): Promise<void> {
  const said = await withHome(home, async ({ ledger }) =>
    (await ledger.entries(0, 1_000))
      .filter(({ kind }) => kind === 'keyEvent')
      .map(({ payload }) => {
        const { predicate } = JSON.parse(Buffer.from(payload).toString()) as {
          predicate: { key: { purpose: string; sha256: string }; successor: { sha256: string } };
        };
        return [predicate.key.purpose, predicate.key.sha256, predicate.successor.sha256].join(' ');
      }),
  );
  const expected = keyPurposes.flatMap((purpose) => {
    const ids = listKeys(home.layout)
      .filter((key) => key.purpose === purpose)
      .map(({ id }) => id);
    return ids.slice(1).map((id, i) => [purpose, ids[i], id].join(' '));
  });
  expect([...said].sort()).toEqual([...expected].sort());
}

describe('rotating a key', () => {
  it.each(keyPurposes)(
    'of %s: what was signed before and after verifies with the new trust root',
    async (purpose) => {
      using made = await madeHome();
      await appendSomething(made.open());
      const before = (await envelopesOf(made.open())).map(({ text }) => text);
      const rotation = await rotateKey(made.open(), { purpose, overlap: defaultOverlap });
      await appendSomething(made.open());
      const after = await envelopesOf(made.open());

      expect(after.map(({ kind }) => kind)).toEqual(['logOpen', 'change', 'keyEvent', 'change']);
      const all = [...before, ...after.map(({ text }) => text)];
      expect(await refusals(made.open(), ...all)).toEqual([]);
      expectStockAccepts(made.open(), all);
      await expectAnnounced(made.open());
      const keys = listKeys(made.open().layout).filter((key) => key.purpose === purpose);
      expect(keys).toMatchObject([
        {
          id: rotation.retired.sha256,
          status: 'retired',
          file: 'deleted',
          validUntil: rotation.retired.validUntil,
        },
        { id: rotation.successor.sha256, status: 'active', file: 'plain', validUntil: null },
      ]);
    },
  );

  it('after key, some twice, in an encrypted home: one tree, and every envelope still verifies', async () => {
    using made = await madeHome('a passphrase');
    const kept: string[] = [];
    const home = made.open();
    for (const purpose of [...keyPurposes, 'log', 'ca'] as const) {
      kept.push(...(await envelopesOf(home)).map(({ text }) => text));
      await rotateKey(home, { purpose, overlap: defaultOverlap });
    }
    kept.push(...(await envelopesOf(made.open())).map(({ text }) => text));
    expect(await refusals(made.open(), ...kept)).toEqual([]);
    expectStockAccepts(made.open(), kept);
    await expectAnnounced(made.open());
    expect(listKeys(made.open().layout).filter(({ file }) => file === 'encrypted').length).toBe(4);
    expect(await refusalOf(rotateKey(made.open('another'), { purpose: 'ca', overlap: hour }))).toBe(
      'KEY_LOCKED',
    );
  });

  it('replaces the private key, and the root’s beside it', async () => {
    using made = await madeHome();
    const read = (): readonly string[] =>
      Object.values(firstKeyFiles).map((file) => readFileSync(join(made.root, 'keys', file), 'utf8'));
    const before = read();
    for (const purpose of keyPurposes) await rotateKey(made.open(), { purpose, overlap: defaultOverlap });
    expect(read().filter((text) => before.includes(text))).toEqual([]);
    expect(readdirSync(made.root).filter((name) => name.startsWith('keys'))).toEqual(['keys']);
  });

  it('is refused where gates run that could not follow: the log’s key, or an overlap that they outlive', async () => {
    using made = await madeHome();
    const gate = await openHomeLedger(made.open());
    try {
      const rotate = (purpose: (typeof keyPurposes)[number], overlap: number): Promise<string> =>
        refusalOf(rotateKey(made.open(), { purpose, overlap }));
      expect(await rotate('log', defaultOverlap)).toBe('HOME_IN_USE');
      expect(await rotate('ca', defaultOverlap - 1)).toBe('HOME_IN_USE');
      expect(await rotate('ca', defaultOverlap)).toBe('resolved');
    } finally {
      await gate.close();
    }
    expect(await refusalOf(rotateKey(made.open(), { purpose: 'log', overlap: 0 }))).toBe('resolved');
  });

  it('is done by one at a time', async () => {
    using made = await madeHome();
    const results = await Promise.all(
      ['ca', 'ct'].map((purpose) =>
        refusalOf(rotateKey(made.open(), { purpose: purpose as 'ca' | 'ct', overlap: defaultOverlap })),
      ),
    );
    expect(results).toContain('HOME_IN_USE');
    await appendSomething(made.open());
    await expectAnnounced(made.open());
  });
});

describe('a key after its end', () => {
  it.each([
    ['ca', 'CERTIFICATE_EXPIRED'],
    ['timestamp', 'TIMESTAMP_INVALID'],
    ['ct', 'SCT_INVALID'],
    ['log', 'LOG_UNKNOWN'],
  ] as const)(
    '(%s) signs nothing that is accepted, and what it signed until then stays',
    async (purpose, code) => {
      using made = await madeHome();
      // Whoever copied the keys in time has a trust root that knows of no end.
      const thief = made.copy();
      await rotateKey(made.open(), { purpose, overlap: defaultOverlap });
      const now = Date.now();
      const signedAt = async (time: number): Promise<readonly string[]> => {
        const logSigner = ed25519Signer(readKey(thief, 'log'));
        const logKeyId = logKeyIdOf(thief.config.origin, logSigner);
        const clock = { now: () => time, monotonic: () => time };
        const parts = openNotary(
          thief,
          { ledger: null as unknown as NotaryParts['ledger'], logKeyId },
          clock,
        );
        const statement = change({ change: { kind: 'test' }, changedAt: time, mode: 'same-user' });
        const { signed, issuer } = await notarise(parts, 'change', statement, time);
        const proof = proveIn([signed.leaf], 0, thief.config.origin, logSigner);
        return refusals(made.open(), assembleBundle({ signed, issuer, proof, logKeyId }));
      };
      expect(await signedAt(now + hour)).toEqual([]);
      expect(await signedAt(now + 3 * hour)).toEqual([code]);
    },
  );
});

describe('a gate that runs while keys are rotated', () => {
  it('goes on without a gap, and has taken up the new ones within an hour', async () => {
    using made = await madeHome();
    const start = Date.now();
    let now = start;
    const gate = await openHomeLedger(made.open());
    try {
      const notary = openNotary(made.open(), gate, { now: () => now, monotonic: () => now - start });
      const issuers = new Map<number, string>();
      const sign = async (): Promise<void> => {
        const statement = change({ change: { kind: 'test' }, changedAt: now, mode: 'same-user' });
        const { signed, issuer } = await notarise(notary, 'change', statement, now);
        await gate.ledger.append({ signed, time: now, expects: [], sets: [], side: [] });
        issuers.set(now - start, Buffer.from(parseCertificate(issuer).spki).toString('hex'));
      };
      await sign();
      for (const purpose of ['ca', 'timestamp', 'ct'] as const) {
        await rotateKey(made.open(), { purpose, overlap: defaultOverlap }, { now });
      }
      while (now < start + 4 * hour) {
        now += 5 * minute;
        await sign();
        // The renewal runs behind the calls; on a real clock the next call is later.
        await notary.identity.current(now);
        await new Promise(setImmediate);
      }
      const [first] = issuers.values();
      const switched = [...issuers].find(([, spki]) => spki !== first)?.[0] ?? Infinity;
      expect(switched).toBeLessThanOrEqual(hour);
      expect(new Set(issuers.values()).size).toBe(2);
    } finally {
      await gate.close();
    }
    const envelopes = (await envelopesOf(made.open())).map(({ text }) => text);
    expect(envelopes.length).toBe(1 + 1 + 3 + 48);
    expect(await refusals(made.open(), ...envelopes)).toEqual([]);
  });

  it('signs nothing any more once a key of its own has ended', async () => {
    using made = await madeHome();
    const home = made.open();
    const gate = await openHomeLedger(home);
    try {
      let now = Date.now();
      // Its home is another copy that nobody brought the new keys to, but the trust root.
      const copy = made.copy();
      await rotateKey(home, { purpose: 'ca', overlap: defaultOverlap }, { now });
      cpSync(home.layout.trustedRoot, copy.layout.trustedRoot);
      const other = openNotary(copy, gate, { now: () => now, monotonic: () => now });
      expect((await other.identity.current(now)).notAfter).toBeGreaterThan(now);
      now += defaultOverlap - 10 * minute;
      expect((await other.identity.current(now)).notAfter).toBeLessThanOrEqual(now + 10 * minute);
      now += 11 * minute;
      expect(await refusalOf(Promise.resolve(other.identity.current(now)))).toBe('CERTIFICATE_NOT_VALID');
    } finally {
      await gate.close();
    }
  });
});

describe('a crash while a key is rotated', () => {
  const crash = new Error('The process died here.');

  /** The steps of a rotation, in their order. */
  async function stepsOf(purpose: (typeof keyPurposes)[number]): Promise<readonly string[]> {
    using made = await madeHome();
    const steps: string[] = [];
    await rotateKey(
      made.open(),
      { purpose, overlap: defaultOverlap },
      { after: (step) => void steps.push(step) },
    );
    return steps;
  }

  it.each(keyPurposes)(
    '(%s) at any step leaves a home that signs what its trust root names',
    async (purpose) => {
      const steps = await stepsOf(purpose);
      expect(steps.length).toBeGreaterThan(5);
      using made = await madeHome();
      let earlier: readonly string[] = [];
      for (const last of steps) {
        const dying = rotateKey(
          made.open(),
          { purpose, overlap: defaultOverlap },
          {
            after(step) {
              if (step === last) throw crash;
            },
          },
        );
        await expect(dying, last).rejects.toBe(crash);
        await appendSomething(made.open());
        const envelopes = (await envelopesOf(made.open())).map(({ text }) => text).slice(earlier.length);
        expect(await refusals(made.open(), ...envelopes), last).toEqual([]);
        await expectAnnounced(made.open());
        // And nothing is in the way of the next one.
        await rotateKey(made.open(), { purpose, overlap: defaultOverlap });
        await appendSomething(made.open());
        const all = (await envelopesOf(made.open())).map(({ text }) => text);
        expect(await refusals(made.open(), ...envelopes, ...all.slice(earlier.length)), last).toEqual([]);
        earlier = all;
        await expectAnnounced(made.open());
        for (const left of [
          'keys.next',
          'keys.next.new',
          'keys.log-next',
          'keys.log-next.new',
          'key-event.json',
        ]) {
          expect(existsSync(join(made.root, left)), `${left} after ${last}`).toBe(false);
        }
      }
      expect(await refusals(made.open(), ...earlier)).toEqual([]);
    },
  );
});
