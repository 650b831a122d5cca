import type { KeyObject } from 'node:crypto';
import { CountersignError } from '../../errors.ts';
import { ecdsaSigner } from '../../pki/signer-node.ts';
import type { SyncSigner, TimestampAuthority } from '../../pki/signer.ts';
import { createTimestampAuthority } from '../../pki/timestamp.ts';
import type { KeyName } from '../home/home-layout.ts';
import { finishKeyChange } from './key-change.ts';
import { readKey } from './key-store.ts';
import type { Home } from '../home/open-home.ts';
import { certificateOf, periodOfLog, readTrustRoot, type Period } from './trust-root.ts';

/** What a home signs statements with, but for the gate's own key. */
export interface SigningKeys {
  readonly ca: { readonly signer: SyncSigner; readonly certificate: Uint8Array };
  readonly ct: SyncSigner;
  readonly timestamps: TimestampAuthority;
  /** When all three are valid: wall milliseconds. */
  readonly validFor: Period;
}

/** Opens the keys of a home, and again what was replaced meanwhile. */
export type OpenKeys = () => SigningKeys;

/**
 * Each key is opened once, and again only after its file changed. A key whose file cannot be opened any more, as its passphrase was
 * changed under a running gate, stays in use for as long as the trust root lets it.
 */
export function signingKeysOf(home: Home): OpenKeys {
  const held = new Map<KeyName, { readonly key: KeyObject; readonly signer: SyncSigner }>();
  let stamping: { readonly signer: SyncSigner; readonly timestamps: TimestampAuthority } | undefined;

  const signerOf = (name: KeyName): SyncSigner => {
    const before = held.get(name);
    const key = readAgain(home, name, before?.key);
    if (before?.key.equals(key) === true) return before.signer;
    const signer = ecdsaSigner(key);
    held.set(name, { key, signer });
    return signer;
  };

  const tryOpen = (): SigningKeys | undefined => {
    // A change that was interrupted is finished here too: this gate may run for longer than its old keys are valid.
    finishKeyChange(home.layout);
    const root = readTrustRoot(home.layout);
    const [issuing, ct, timestamp] = [signerOf('issuing'), signerOf('ct'), signerOf('timestamp')];
    const ca = certificateOf(root.certificateAuthorities, issuing.publicKey);
    const tsa = certificateOf(root.timestampAuthorities, timestamp.publicKey);
    const ctValidFor = periodOfLog(root.ctlogs, ct.publicKey);
    if (ca === undefined || tsa === undefined || ctValidFor === undefined) return undefined;
    if (stamping?.signer !== timestamp) {
      stamping = {
        signer: timestamp,
        timestamps: createTimestampAuthority({ signer: timestamp, certificate: tsa.der }),
      };
    }
    return {
      ca: { signer: issuing, certificate: ca.der },
      ct,
      timestamps: stamping.timestamps,
      validFor: common([ca.validFor, tsa.validFor, ctValidFor]),
    };
  };

  return () => {
    // Between the trust root and a key another process may have put the next ones there.
    for (let tries = 0; tries < 3; tries += 1) {
      const keys = tryOpen();
      if (keys !== undefined) return keys;
    }
    throw new CountersignError(
      'HOME_INVALID',
      `${home.layout.trustedRoot} does not name the keys that this home signs with.`,
    );
  };
}

function readAgain(home: Home, name: KeyName, held: KeyObject | undefined): KeyObject {
  try {
    return readKey(home, name);
  } catch (error) {
    if (held !== undefined && error instanceof CountersignError && error.code === 'KEY_LOCKED') return held;
    throw error;
  }
}

function common(periods: readonly Period[]): Period {
  return {
    start: Math.max(...periods.map(({ start }) => start)),
    end: Math.min(...periods.map(({ end }) => end)),
  };
}
