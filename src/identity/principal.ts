declare const principalBrand: unique symbol;

/** One attribute and where it came from. What is not verified never satisfies policy. */
export interface Attribute<T> {
  readonly value: T;
  readonly source: string;
  readonly verified: boolean;
  /** RFC 3339, UTC. */
  readonly observedAt: string;
}

/** The software that calls (RFC 8693 actor). */
export interface Agent {
  readonly id: string;
  readonly issuer: string;
  readonly binding: 'mtls' | 'dpop' | 'none';
}

/** The person whose authority the agent carries (RFC 8693 subject). */
export interface Human {
  readonly issuer: string;
  readonly subject: string;
  readonly tenant: string;
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  readonly authTime?: number;
}

export interface Device {
  readonly id: string;
  readonly trust: string;
}

export interface Network {
  readonly ip?: string;
  readonly zone: string;
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
  /** Wall milliseconds at which the earliest of the credentials ends; absent when none does. */
  readonly expiresAt?: number;
}

/** What a caller brings. Each is worth nothing before `identity/` has verified it. */
export interface Credentials {
  readonly apiKey: string | undefined;
  /** The delegating human's token: a compact JWS. */
  readonly humanToken?: string | undefined;
  /** What says which device asks: a signed assertion, a compact JWS. */
  readonly deviceToken?: string | undefined;
  /** How the request reached us. */
  readonly peer?: Peer | undefined;
}

/** The other end of the connection, as this machine's own sockets know it, and what a proxy there says of those before it. */
export interface Peer {
  /** IP address of the socket's other end; absent on a unix socket. */
  readonly address?: string | undefined;
  /** DER of the client certificate that the TLS handshake proved possession of; whom it chains to is not decided yet. */
  readonly certificate?: Uint8Array | undefined;
  /** `X-Forwarded-For`, as it came: it counts only from proxies that are trusted. */
  readonly forwardedFor?: string | undefined;
}

/** Credentials → Principal; throws `CountersignError` with an `API_KEY_…` code. `now` is wall milliseconds. */
export interface Authenticator {
  authenticate(credentials: Credentials, now: number): Principal | Promise<Principal>;
}

/** Brands verified fields. Only files of `identity/` may import this (a test holds it). */
export function verifiedPrincipal(fields: Omit<Principal, typeof principalBrand>): Principal {
  return Object.freeze({ ...fields }) as Principal;
}
