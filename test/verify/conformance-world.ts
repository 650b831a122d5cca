import type { VerifyCode } from '../../src/verify/codes.ts';
import type { Recorded, TestTrustSystem } from '../support/trust-system.ts';
import type { MadeBundle } from './made-bundle.ts';

/** What a case is made of: two trust systems with the same names, and one good statement of the first. */
export interface World {
  readonly system: TestTrustSystem;
  readonly elsewhere: TestTrustSystem;
  readonly recorded: Recorded;
  /** The good statement's bundle, v0.3 unless said otherwise, to be changed. */
  fresh(version?: '0.2' | '0.3'): MadeBundle;
  /** The trust root, to be changed. */
  root(): MadeRoot;
}

/** As much of a trust root as the cases change. */
export interface MadeRoot {
  tlogs: { publicKey: { validFor: { start?: string; end?: string } } }[];
  ctlogs: unknown[];
  certificateAuthorities: { validFor: { start: string; end?: string } }[];
  timestampAuthorities: {
    uri: string;
    certChain: { certificates: { rawBytes: string }[] };
    validFor: { start: string; end?: string };
  }[];
}

/** What the verifier is given. */
export interface Given {
  readonly bundle: MadeBundle | string;
  /** The world's own, unless it is here. */
  readonly trustedRoot?: MadeRoot;
  /** The document whose digest the statement must be about. */
  readonly action?: Uint8Array;
}

/**
 * A case of sigstore-conformance, by its name there: one that ends in `_fail` must be refused. The bundle is our own, made
 * for what the case is about: the published ones are of Sigstore's public log and of its staging one.
 */
export interface ConformanceCase {
  readonly name: string;
  readonly about: string;
  readonly make: (world: World) => Given | Promise<Given>;
  /** Why it is refused; none if it is accepted. */
  readonly codes: readonly (VerifyCode | 'CONFIG_INVALID')[];
  /** Why we refuse what others accept. */
  readonly narrower?: string;
}

/** The good bundle with one change. */
export const changed =
  (change: (bundle: MadeBundle, world: World) => unknown, version?: '0.2' | '0.3') =>
  async (world: World): Promise<Given> => {
    const bundle = world.fresh(version);
    await change(bundle, world);
    return { bundle };
  };
