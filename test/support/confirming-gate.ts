import type { Principal } from '../../src/identity/principal.ts';
import { createFakeGate, type FakeGate } from './fake-gate.ts';

/** A gate that denies what nobody has confirmed, and knows its one caller. */
export function confirmingGate(owner: { agent: string } = { agent: 'a' }): FakeGate {
  const gate = createFakeGate({
    decide: ({ confirmed }) =>
      confirmed === true
        ? undefined
        : { code: 'CONFIRMATION_REQUIRED', rule: 'r', message: 'Ask first.', retryable: false },
  });
  const authenticate = () => {
    const principal: object = { tenant: 't', apiKeyId: 'k', agent: { value: { id: owner.agent } } };
    return Promise.resolve(principal as Principal);
  };
  return Object.defineProperties({} as FakeGate, {
    ...Object.getOwnPropertyDescriptors(gate),
    authenticate: { value: authenticate, enumerable: true },
  });
}

/** What a server, or the gateway, asks the client's person; undefined for any other message. */
export function question(
  message: unknown,
): { readonly id: unknown; readonly params: { readonly message: string } } | undefined {
  const asked = message as { id: unknown; method?: string; params: { message: string } };
  return asked.method === 'elicitation/create' ? asked : undefined;
}
