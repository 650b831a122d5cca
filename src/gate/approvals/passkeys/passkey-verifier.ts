import type { Json, JsonObject } from '../../../call/json.ts';
import type { PasskeyAssertion } from '../approval.ts';
import type { Passkey } from './approver-heads.ts';

/** What a passkey has signed, checked, with the counter that it has now. */
export interface CheckedAssertion {
  readonly assertion: PasskeyAssertion;
  readonly counter: number;
}

/**
 * WebAuthn for one page. What comes from browsers is hostile until it is checked: each method that is given some rejects with
 * APPROVER_REFUSED for everything that is not as it must be. Only ES256, and only with its owner verified (PIN, finger, face).
 */
export interface PasskeyVerifier {
  /** `PublicKeyCredentialCreationOptionsJSON`. */
  creation(of: { readonly id: string; readonly name: string }, challenge: string): JsonObject;
  /** `PublicKeyCredentialRequestOptionsJSON`; without a credential the person chooses one. */
  request(challenge: string, credentialId?: string): JsonObject;
  /** A new key. Whether `isExpected` is asked of its challenge decides. */
  registered(
    credential: Json | undefined,
    isExpected: (challenge: string) => Promise<boolean>,
  ): Promise<Omit<Passkey, 'registeredAt'>>;
  /** The approver's id that a credential carries: what an authenticator says, and nothing proven yet. */
  ownerOf(credential: Json | undefined): string;
  asserted(
    credential: Json | undefined,
    passkey: Passkey,
    isExpected: (challenge: string) => Promise<boolean>,
  ): Promise<CheckedAssertion>;
}
