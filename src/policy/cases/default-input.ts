import type { JsonObject } from '../../call/json.ts';
import type { PolicyInput } from '../policy.ts';

/**
 * The call that a case begins with: by an agent alone, with an API key, to a tool that an operator accepted, before anything else
 * was called.
 */
export const defaultInput: PolicyInput = Object.freeze({
  agent: { id: 'spiffe://example.org/agent', issuer: 'example', binding: 'none' },
  session: { id: 's1', tenant: 'acme', mode: 'same-user' },
  tool: { server: 'files', name: 'read_file', accepted: true, listed: true },
  args: {},
  history: { untrusted: false, sensitive: false, calls: {} },
  origins: {},
  now: '2026-01-01T12:00:00Z',
});

/** What is there as soon as a case speaks of it: a person has an issuer, whoever it is. */
const defaultsOf: Readonly<Partial<Record<keyof PolicyInput, JsonObject>>> = {
  agent: defaultInput.agent,
  session: defaultInput.session,
  tool: defaultInput.tool,
  human: { issuer: 'https://idp.example.org', subject: 'u1', tenant: 'acme', roles: [], binding: 'none' },
  request: { text: '', signed: false },
  history: { untrusted: false, sensitive: false, calls: {} },
};

/** A root of a case: what it writes, over what is usual. */
export function withDefaults(root: keyof PolicyInput, written: JsonObject): JsonObject {
  return { ...defaultsOf[root], ...written };
}
