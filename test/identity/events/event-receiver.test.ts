import { describe, expect, it } from 'vitest';
import { CountersignError } from '../../../src/errors.ts';
import { createSecurityEventReceiver } from '../../../src/identity/events/event-receiver.ts';
import type { SecurityEvent } from '../../../src/identity/events/security-event.ts';
import { refused } from '../tokens/tokens.ts';

/** Tokens here are the names of events: whether they are genuine is asked elsewhere. */
function receiver(apply: (event: SecurityEvent) => Promise<void>, facts = 1, unknown = 0) {
  const fact = { act: 'revoke', revocation: { kind: 'device', id: 'd' }, at: 0, event: 'e' } as const;
  const { receive } = createSecurityEventReceiver({
    verifier: {
      verify: (jti) =>
        Promise.resolve({
          transmitter: 'https://idp.test',
          jti,
          facts: Array.from({ length: facts }, () => fact),
          unknown,
        }),
    },
    apply,
  });
  return (jti: string) => receive(jti, undefined, 0);
}

describe('a security event that comes again', () => {
  it('changes nothing, and is taken: its transmitter has lost our answer', async () => {
    const applied: string[] = [];
    const receive = receiver(({ jti }) => Promise.resolve(void applied.push(jti)));
    expect([await receive('a'), await receive('a'), await receive('b')]).toEqual([
      'applied',
      'repeated',
      'applied',
    ]);
    expect(applied).toEqual(['a', 'b']);
  });

  it('waits for the first where that is still under way, and fails as it does', async () => {
    const held = Promise.withResolvers<void>();
    const receive = receiver(() => held.promise);
    const both = Promise.allSettled([receive('a'), receive('a')]);
    held.reject(new CountersignError('LEDGER_UNAVAILABLE', 'Not now.'));
    expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });

  it('is carried out when the first could not be', async () => {
    let isDown = true;
    const receive = receiver(() =>
      isDown ? Promise.reject(new CountersignError('LEDGER_LOCKED', 'Not now.')) : Promise.resolve(),
    );
    await expect(receive('a')).rejects.toThrow(refused('LEDGER_LOCKED'));
    isDown = false;
    expect(await receive('a')).toBe('applied');
  });

  it('is remembered among some thousands, and no more', async () => {
    const applied: string[] = [];
    const receive = receiver(({ jti }) => Promise.resolve(void applied.push(jti)));
    for (let i = 0; i <= 4_096; i += 1) await receive(`e-${i}`);
    expect(await receive('e-4096')).toBe('repeated');
    expect(await receive('e-0')).toBe('applied');
  });

  it('that changes nothing here is taken without being carried out', async () => {
    const never = () => Promise.reject(new Error('never'));
    expect(await receiver(never, 0)('a')).toBe('ignored');
    expect(await receiver(never, 0, 1)('a')).toBe('unknown');
  });
});
