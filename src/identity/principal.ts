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

/** What a caller brings. */
export interface Credentials {
  readonly apiKey: string | undefined;
}

/** Credentials → Principal; throws `CountersignError` with an `API_KEY_…` code. `now` is wall milliseconds. */
export interface Authenticator {
  authenticate(credentials: Credentials, now: number): Principal | Promise<Principal>;
}

/** Brands verified fields. Only files of `identity/` may import this (a test holds it). */
export function verifiedPrincipal(fields: Omit<Principal, typeof principalBrand>): Principal {
  return Object.freeze({ ...fields }) as Principal;
}
