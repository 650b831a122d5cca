import { describe, expect, it } from 'vitest';
import { createIdentityKeeper } from '../../src/pki/identity-keeper.ts';
import { generateEcdsaKey } from '../../src/pki/signer-node.ts';
import type { SigningIdentity } from '../../src/pki/signer.ts';

const { signer } = generateEcdsaKey();
const life = 3_600_000;
const start = Date.UTC(2026, 10, 21);
const outside = expect.objectContaining({ code: 'CERTIFICATE_NOT_VALID' });

/** A keeper whose certificates live an hour, and what it was asked to issue. */
function keeper(issue = async (now: number): Promise<SigningIdentity> => identityAt(now)) {
  const issuedAt: number[] = [];
  const kept = createIdentityKeeper({
    issue(now) {
      issuedAt.push(now);
      return issue(now);
    },
  });
  return { kept, issuedAt };
}

function identityAt(now: number): SigningIdentity {
  const certificate = new TextEncoder().encode(String(now));
  return { signer, certificate, issuer: certificate, notBefore: now, notAfter: now + life };
}

/** Lets a renewal that runs behind the calls come to its end. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the identity keeper', () => {
  it('issues once for all who wait for the first identity, and answers at once from then on', async () => {
    const { kept, issuedAt } = keeper();
    const [first, second] = await Promise.all([kept.current(start), kept.current(start)]);
    expect(second).toBe(first);
    expect(kept.current(start + 1)).toBe(first);
    expect(issuedAt).toEqual([start]);
  });

  it('renews from two thirds of the life on, without a gap and without waiting', async () => {
    const { kept, issuedAt } = keeper();
    const first = await kept.current(start);
    expect(kept.current(start + (life * 2) / 3 - 1)).toBe(first);
    expect(issuedAt).toEqual([start]);
    const renewAt = start + (life * 2) / 3;
    expect(kept.current(renewAt)).toBe(first);
    expect(kept.current(renewAt)).toBe(first);
    await settle();
    expect(issuedAt).toEqual([start, renewAt]);
    expect(kept.current(renewAt + 1)).toMatchObject({ notBefore: renewAt });
  });

  it('keeps the old identity to its end while renewals fail, tried now and then', async () => {
    let works = true;
    const { kept, issuedAt } = keeper(async (now) => {
      if (!works) throw new Error('the key service is away');
      return identityAt(now);
    });
    const first = await kept.current(start);
    works = false;
    for (let now = start + (life * 2) / 3; now <= start + life; now += 1000) {
      expect(kept.current(now)).toBe(first);
      await settle();
    }
    expect(issuedAt.length).toBeGreaterThan(15);
    expect(issuedAt.length).toBeLessThan(25);
    await expect(kept.current(start + life + 1)).rejects.toEqual(outside);
    works = true;
    await expect(kept.current(start + life + 2)).resolves.toMatchObject({ notBefore: start + life + 2 });
  });

  it('refuses a clock before the start of the certificate', async () => {
    const { kept } = keeper();
    await kept.current(start);
    expect(() => kept.current(start - 1)).toThrow(outside);
  });

  it('hands out no identity that is issued for another time', async () => {
    const { kept } = keeper(async (now) => identityAt(now + 1));
    await expect(kept.current(start)).rejects.toEqual(outside);
    const late = keeper(async (now) => identityAt(now - life - 1)).kept;
    await expect(late.current(start)).rejects.toEqual(outside);
  });

  it('says CERTIFICATE_NOT_VALID when nothing can be issued, whatever issuing threw', async () => {
    const { kept } = keeper(() => {
      throw new Error('no key');
    });
    await expect(kept.current(start)).rejects.toEqual(outside);
  });
});
