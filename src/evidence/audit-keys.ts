import type { Json } from '../call/json.ts';
import { hex, sha256 } from '../call/sha256.ts';
import type { VerifiedEntry } from '../verify/entry.ts';
import type { KeyPurpose } from '../verify/last-trusted.ts';
import type { Log } from '../verify/trust.ts';
import type { Faults } from './faults.ts';
import { objectOr } from './object-or.ts';

/** A key of the trust root at work in the log. Indexes are those of entries. */
export interface KeyUse {
  /** `ca`: the one that issued signing certificates; `timestamp`: the one that stamped. */
  readonly purpose: KeyPurpose;
  /** Hex SHA-256 of its SubjectPublicKeyInfo. */
  readonly sha256: string;
  /** How many entries rely on it; heads that a log's key signed are no entries. */
  readonly entries: number;
  readonly first?: number;
  readonly last?: number;
  /** The key event that names it, or 0 for a key that the log began with. */
  readonly announced?: number;
}

/** Follows the keys: from which entry on each of them is in use, and whether the log says so. */
export interface KeyAudit {
  see(entry: VerifiedEntry): void;
  /** Reports the keys, `headLog`'s own included, that came into use without a word. */
  finish(headLog: Log): readonly KeyUse[];
}

export interface KeyAuditOptions {
  readonly memory?: readonly KeyUse[] | undefined;
  readonly logs: readonly Log[];
  /** The first entry that is replayed; with no memory of those before it, nobody knows what was announced. */
  readonly from: number;
}

type Mutable = { -readonly [K in keyof KeyUse]: KeyUse[K] };

export function followKeys(faults: Faults, { memory, logs, from }: KeyAuditOptions): KeyAudit {
  const uses = new Map<string, Mutable>();
  for (const use of memory ?? []) uses.set(`${use.purpose} ${use.sha256}`, { ...use });
  const names = new WeakMap<object, string>();
  const isBlind = memory === undefined && from > 0;

  const useOf = (purpose: KeyPurpose, digest: string): Mutable => {
    const name = `${purpose} ${digest}`;
    const use = uses.get(name) ?? { purpose, sha256: digest, entries: 0 };
    uses.set(name, use);
    return use;
  };
  /** Each key is an object of the trust root, hashed once. */
  const nameOf = (key: { readonly spki: Uint8Array }): string => {
    const name = names.get(key) ?? hex(sha256(key.spki));
    names.set(key, name);
    return name;
  };
  const used = (purpose: KeyPurpose, key: { readonly spki: Uint8Array }, index: number): void => {
    const use = useOf(purpose, nameOf(key));
    use.entries += 1;
    use.first ??= index;
    use.last = index;
    if (index === 0) use.announced = 0;
  };
  const announce = (purpose: KeyPurpose, digest: string, index: number): void => {
    useOf(purpose, digest).announced ??= index;
  };

  return {
    see({ signer, stamp, statement, place: { index } }) {
      const [issuer] = signer.authority.chain;
      const [stamper] = stamp.chain;
      if (issuer !== undefined) used('ca', issuer, index);
      if (stamper !== undefined) used('timestamp', stamper, index);
      for (const { log } of signer.scts) used('ct', log.key, index);
      const { kind, predicate } = statement;
      if (kind === 'logOpen' && index === 0) {
        const { keyId } = objectOr(predicate['log']);
        const log = logs.find((candidate) => hex(candidate.keyId) === keyId);
        if (log !== undefined) announce('log', nameOf(log.key), index);
      }
      if (kind === 'keyEvent') {
        const purpose = objectOr(predicate['key'])['purpose'];
        const successor = objectOr(predicate['successor'])['sha256'];
        if (isPurpose(purpose) && typeof successor === 'string') announce(purpose, successor, index);
      }
    },
    finish(headLog) {
      const opened = [...uses.values()].some(
        ({ purpose, announced }) => purpose === 'log' && announced !== undefined,
      );
      // A log that does not say with which key it begins is at fault for that already.
      if (opened) useOf('log', nameOf(headLog.key));
      for (const { purpose, sha256: digest, first, announced } of isBlind ? [] : uses.values()) {
        if (announced !== undefined) continue;
        const message = `The log does not say where its ${purpose} key sha256:${digest} came from.`;
        faults.add({ code: 'KEY_UNANNOUNCED', ...(first !== undefined && { index: first }), message });
      }
      return [...uses.values()].map((use) => ({ ...use }));
    },
  };
}

function isPurpose(value: Json | undefined): value is KeyPurpose {
  return value === 'ca' || value === 'ct' || value === 'timestamp' || value === 'log';
}
