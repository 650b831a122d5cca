import { bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/call/bytes.ts';
import { CountersignError } from '../../src/errors.ts';
import { verifyEnvelope } from '../../src/verify/envelope.ts';
import { loadTrust } from '../../src/verify/trust.ts';
import { verifyToolResult } from '../../src/verify/verify.ts';
import { testTrustSystem } from '../support/trust-system.ts';
import { codesOf } from './calls.ts';
import { checkpointCases } from './conformance-checkpoint.ts';
import { entryCases } from './conformance-entry.ts';
import { formCases } from './conformance-form.ts';
import { moreCases, soundCases } from './conformance-more.ts';
import { timeCases } from './conformance-time.ts';
import type { Given, MadeRoot, World } from './conformance-world.ts';
import { bundleOf, recordAllow } from './made-bundle.ts';

const system = await testTrustSystem();
const recorded = await recordAllow(system);
const world: World = {
  system,
  elsewhere: await testTrustSystem(),
  recorded,
  fresh: (version) => bundleOf(system, recorded, version),
  root: () => structuredClone(system.trustedRoot) as unknown as MadeRoot,
};

const cases = [...formCases, ...entryCases, ...checkpointCases, ...timeCases];

const textOf = (bundle: Given['bundle']): string =>
  typeof bundle === 'string' ? bundle : JSON.stringify(bundle);

/** Every reason for which we refuse it; none if we accept it. */
async function refusals({ bundle, trustedRoot = world.root(), action }: Given): Promise<readonly string[]> {
  try {
    const trust = await loadTrust(utf8(JSON.stringify(trustedRoot)));
    const input = utf8(textOf(bundle));
    if (action !== undefined) return codesOf(await verifyToolResult(input, trust, { action }));
    const result = await verifyEnvelope(input, trust);
    return result.ok ? [] : result.failures.map(({ code }) => code);
  } catch (thrown) {
    if (thrown instanceof CountersignError) return [thrown.code];
    throw thrown;
  }
}

/** Throws for what sigstore-js refuses. */
function verifyWithSigstore({ bundle, trustedRoot = world.root() }: Given): void {
  const verifier = new Verifier(toTrustMaterial(TrustedRoot.fromJSON(trustedRoot)));
  verifier.verify(toSignedEntity(bundleFromJSON(JSON.parse(textOf(bundle)))));
}

describe('a bundle that was taken apart and put together', () => {
  it.each(soundCases)('verifies: $name', async ({ make }) => {
    expect(await refusals(await make(world))).toEqual([]);
  });
});

describe('the cases of sigstore-conformance', () => {
  it('are each here once', () => {
    const names = cases.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toHaveLength(82);
  });

  it('that must be refused are said to be, and one that we refuse beyond them says why', () => {
    for (const { name, codes, narrower } of cases) {
      const mustFail = name.endsWith('_fail');
      expect(codes.length > 0, name).toBe(mustFail || narrower !== undefined);
      expect(mustFail && narrower !== undefined, name).toBe(false);
    }
  });

  it.each(cases)('$name: $about', async ({ make, codes }) => {
    expect(await refusals(await make(world))).toEqual(codes);
  });

  it.each(cases.filter(({ codes }) => codes.length === 0))(
    '$name is a good one for sigstore-js, too',
    async ({ make }) => {
      verifyWithSigstore(await make(world));
    },
  );
});

describe('what sigstore-conformance leaves open is refused', () => {
  it.each(moreCases)('$name: $about', async ({ make, codes }) => {
    expect(await refusals(await make(world))).toEqual(codes);
  });
});
