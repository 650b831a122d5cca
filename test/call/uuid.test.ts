import { describe, expect, it, vi } from 'vitest';
import { isUuid } from '../../src/call/uuid.ts';

// Its time never goes back: another test of this process may have been later.
vi.resetModules();
const { uuidv7 } = await import('../../src/call/uuid.ts');

const millisecondOf = (uuid: string): number => Number.parseInt(uuid.replaceAll('-', '').slice(0, 12), 16);

describe('a UUIDv7', () => {
  it('has the layout of RFC 9562: milliseconds first, then version 7 and its variant', async () => {
    // Its time never goes back: one that has seen no other time.
    vi.resetModules();
    const { uuidv7: first } = await import('../../src/call/uuid.ts');
    // The time of the RFC's own example (appendix A.6).
    const uuid = first(0x017f22e279b0);
    expect(uuid).toMatch(/^017f22e2-79b0-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(isUuid(uuid)).toBe(true);
  });

  it('is greater than the one before, however many are made in one millisecond', () => {
    const now = Date.now();
    const uuids = Array.from({ length: 10_000 }, () => uuidv7(now));
    expect([...uuids].sort()).toEqual(uuids);
    expect(new Set(uuids).size).toBe(uuids.length);
    expect(millisecondOf(uuids.at(-1)!) - now).toBeLessThan(10);
  });

  it('is greater than the one before when the clock goes back', () => {
    const now = Date.now() + 60_000;
    const before = uuidv7(now);
    expect(uuidv7(now - 5000) > before).toBe(true);
  });

  it('takes a clock with fractions', () => {
    const now = Date.now() + 120_000;
    expect(millisecondOf(uuidv7(now + 0.75))).toBe(now);
  });
});

describe('isUuid', () => {
  it.each([
    '',
    '017f22e279b07cc398c4dc0c0c07398f',
    '017F22E2-79B0-7CC3-98C4-DC0C0C07398F',
    '017f22e2-79b0-7cc3-18c4-dc0c0c07398f',
    '017f22e2-79b0-0cc3-98c4-dc0c0c07398f',
    '{017f22e2-79b0-7cc3-98c4-dc0c0c07398f}',
    '017f22e2-79b0-7cc3-98c4-dc0c0c07398f\n',
    '00000000-0000-0000-0000-000000000000',
  ])('refuses %j', (text) => {
    expect(isUuid(text)).toBe(false);
  });

  it('accepts every version that RFC 9562 defines', () => {
    expect(isUuid('017f22e2-79b0-7cc3-98c4-dc0c0c07398f')).toBe(true);
    expect(isUuid('919108f7-52d1-4320-9bac-f847db4148a8')).toBe(true);
  });
});
