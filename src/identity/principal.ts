import { CountersignError } from '../errors.ts';
import type { ReasonCode } from '../names.ts';
import type { Grant } from './grants/grant.ts';

declare const principalBrand: unique symbol;

/** One attribute and where it came from. What is not verified never satisfies policy. */
export interface Attribute<T> {
  readonly value: T;
  readonly source: string;
  readonly verified: boolean;
  /** RFC 3339, UTC. */
  readonly observedAt: string;
}

/**
 * How a credential is bound to who presents it: a client certificate (RFC 8705), a signed proof for each request (RFC 9449), or not
 * at all, so that whoever has copied it is believed.
 */
export type Binding = 'mtls' | 'dpop' | 'none';

/** The software that calls (RFC 8693 actor). */
export interface Agent {
  /** A SPIFFE ID. */
  readonly id: string;
  readonly issuer: string;
  readonly binding: Binding;
}

/** Who acts for whom (RFC 8693 §4.1), as a token's issuer says. */
export interface Actor {
  readonly issuer?: string;
  readonly subject: string;
}

/** The person whose authority the agent carries (RFC 8693 subject). */
export interface Human {
  readonly issuer: string;
  readonly subject: string;
  readonly tenant: string;
  readonly roles: readonly string[];
  /** Absent when the issuer did not tell all of them: then no rule can rely on somebody being in none. */
  readonly groups?: readonly string[];
  /** When that person logged in: seconds since 1970. */
  readonly authTime?: number;
  /** When the token was issued: seconds since 1970. */
  readonly issuedAt?: number;
  /** The application that the token was issued to. */
  readonly clientId?: string;
  readonly scopes?: readonly string[];
  /** How that person was authenticated (OpenID Connect Core §2). */
  readonly acr?: string;
  readonly amr?: readonly string[];
  /** The session at the issuer. */
  readonly sid?: string;
  /** The chain of delegation, the current actor first; absent where the issuer does not speak of any. */
  readonly act?: readonly Actor[];
  readonly binding: Binding;
}

export interface Device {
  readonly id: string;
  readonly trust: string;
}

export interface Network {
  readonly ip?: string;
  readonly zone: string;
}

/** Why no call of a principal may run. */
export interface Refusal {
  readonly code: ReasonCode;
  /** A sentence without a secret: it is signed. */
  readonly message: string;
}

/** Tools that a credential limits its calls to. Limits only add up: each one has to admit a call. */
export interface ToolLimit {
  readonly by: 'api-key' | 'delegation' | 'grant';
  /** Patterns as in policy: `files/read_*`. With none of them no tool is admitted. */
  readonly tools: readonly string[];
}

/** The verified agent + human + device + network of one call. Only `identity/` can make one. */
export interface Principal {
  readonly [principalBrand]: true;
  readonly tenant: string;
  readonly apiKeyId: string;
  readonly agent: Attribute<Agent>;
  readonly human?: Attribute<Human>;
  readonly device?: Attribute<Device>;
  readonly network?: Attribute<Network>;
  /** Absent where no credential has one. */
  readonly limits?: readonly ToolLimit[];
  /** What somebody granted the agent for a task, the root first: each one has to admit a call. Absent where no grant came. */
  readonly grants?: readonly Grant[];
  /** Wall milliseconds at which the earliest of the credentials ends; absent when none does. */
  readonly expiresAt?: number;
  /**
   * What came with a genuine API key and did not hold: a forged token, another tenant's human, a network that the key is not
   * for. Whoever calls is known, so each call is denied in a signed statement, and nothing else is done for them.
   */
  readonly refusal?: Refusal;
}

/** What a caller brings. Each is worth nothing before `identity/` has verified it. */
export interface Credentials {
  readonly apiKey: string | undefined;
  /** A token of the agent's own: an access token of its client credentials, a JWT-SVID. A compact JWS. */
  readonly agentToken?: string | undefined;
  /** The delegating human's token: a compact JWS. */
  readonly humanToken?: string | undefined;
  /**
   * Why there is no such token although whoever makes the call has to have one: a login that ended. It is refused, see
   * `refuseUnavailable`, and not made as if it were for nobody.
   */
  readonly humanUnavailable?: Refusal | undefined;
  /** What says which device asks: a signed assertion, a compact JWS. */
  readonly deviceToken?: string | undefined;
  /** What the call is narrowed to: a chain of grants, one compact JWS. Unlike a token it is never left unlooked at. */
  readonly grant?: string | undefined;
  /** Why there is none although the call is to be narrowed: a file that is gone. It is refused, see `refuseUnavailable`. */
  readonly grantUnavailable?: Refusal | undefined;
  /** Proofs of possession (RFC 9449) that came with the tokens. */
  readonly humanProof?: DpopProof | undefined;
  readonly agentProof?: DpopProof | undefined;
  /** How the request reached us. */
  readonly peer?: Peer | undefined;
}

/** A DPoP proof and the request that it came with. One request has one object of this: that is how its second reading is no replay. */
export interface DpopProof {
  /** The compact JWS of the header `DPoP`. */
  readonly jwt: string;
  readonly method: string;
  /** The request's URL as its sender knows it; query and fragment do not count. */
  readonly url: string;
}

/** The other end of the connection, as this machine's own sockets know it, and what a proxy there says of those before it. */
export interface Peer {
  /** IP address of the socket's other end; absent on a unix socket. */
  readonly address?: string | undefined;
  /** DER of the client certificate that the TLS handshake proved possession of; whom it chains to is not decided yet. */
  readonly certificate?: Uint8Array | undefined;
  /** DER of what came with it, in order, without it. */
  readonly chain?: readonly Uint8Array[] | undefined;
  /** `Client-Cert` (RFC 9440), as it came: it counts only from proxies that are trusted. */
  readonly forwardedCertificate?: string | undefined;
  /** `Client-Cert-Chain` (RFC 9440), likewise. */
  readonly forwardedChain?: string | undefined;
  /** `X-Forwarded-For`, as it came: it counts only from proxies that are trusted. */
  readonly forwardedFor?: string | undefined;
}

/**
 * Credentials → Principal; throws `CountersignError` with an `API_KEY_…` code when nobody is known. A principal that has a
 * `refusal` is known and may nothing: see `assertAdmitted`. `now` is wall milliseconds.
 */
export interface Authenticator {
  authenticate(credentials: Credentials, now: number): Principal | Promise<Principal>;
}

/** Brands verified fields. Only files of `identity/` may import this (a test holds it). */
export function verifiedPrincipal(fields: Omit<Principal, typeof principalBrand>): Principal {
  return Object.freeze({ ...fields }) as Principal;
}

/** Throws the refusal of a principal that may nothing. Whoever does not go on to `decide` asks this first. */
export function assertAdmitted(principal: Principal): Principal {
  const { refusal } = principal;
  if (refusal) throw new CountersignError(refusal.code, refusal.message);
  return principal;
}
