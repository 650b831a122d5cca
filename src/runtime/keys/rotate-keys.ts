import { createPublicKey } from 'node:crypto';
import type { KeyPurpose, TreeHeadFacts } from '../../envelope/facts.ts';
import { CountersignError } from '../../errors.ts';
import { ed25519Signer } from '../../pki/signer-node.ts';
import { withSuccessor } from '../../pki/trusted-root.ts';
import { withDeclaration } from './compromised.ts';
import { formerLogs } from '../former/former.ts';
import { openHomeLedger, type HomeLedger } from '../home/home-ledger.ts';
import type { KeyName } from '../home/home-layout.ts';
import { asKeyChanger } from './key-changers.ts';
import { decideLogKeyChange, finishKeyChange, stageKeyChange } from './key-change.ts';
import type { AfterStep, KeyChange } from './key-change.ts';
import { announceKeyEvent, draftKeyEvent, type KeyEvent } from './key-event.ts';
import { keyFileTexts, passphraseOf, readKey } from './key-store.ts';
import { keyIdOf, keyNames, makeNewKey, type NewKey } from './new-keys.ts';
import { openNotary } from '../home/notary.ts';
import type { Home } from '../home/open-home.ts';
import { readTrustRoot } from './trust-root.ts';

/**
 * A gate renews its certificate after two thirds of an hour, and takes up new keys then; what it holds ends after an hour at the
 * latest. A shorter overlap is for homes that no gate runs on.
 */
export const defaultOverlap = 2 * 60 * 60 * 1000;

/** New keys are valid a little before they are made, so that a clock that is a little behind accepts them. */
const validBeforeMs = 60_000;

export interface RotationRequest {
  readonly purpose: KeyPurpose;
  /** Milliseconds that the old key stays valid. */
  readonly overlap: number;
  /** Set when somebody else may hold the old key: nothing that it signs counts but what this head holds. */
  readonly compromised?: { readonly lastTrusted: (opened: HomeLedger) => Promise<TreeHeadFacts> };
}

export interface Rotation {
  readonly purpose: KeyPurpose;
  readonly retired: { readonly sha256: string; readonly validUntil: string };
  readonly successor: { readonly sha256: string };
  readonly lastTrusted?: TreeHeadFacts;
}

/**
 * Replaces the key of a purpose: a new key and its place in the trust root, the end of the old one, a statement in the log. The old
 * private key is gone afterwards. HOME_IN_USE while another changes keys, or while the home is open elsewhere and the change is one
 * that running gates cannot follow. A crash at any step leaves a home that opens: see `key-change.ts`.
 */
export function rotateKey(
  home: Home,
  request: RotationRequest,
  { now = Date.now(), after }: { readonly now?: number; readonly after?: AfterStep } = {},
): Promise<Rotation> {
  return asKeyChanger(home.layout, async () => {
    const opened = await openHomeLedger(home);
    try {
      const notary = openNotary(home, opened);
      await announceKeyEvent(home.layout, notary);
      if (request.purpose === 'log' || request.overlap < defaultOverlap) await requireAlone(opened);
      const plan = await planRotation(home, opened, request, now);
      if (request.purpose === 'log') {
        await rotateLogKey(home, opened, plan, after);
      } else {
        stageKeyChange(home.layout, { ...plan.change, event: JSON.stringify(plan.event) }, { after });
        finishKeyChange(home.layout, after);
        // Signed by the new key already.
        await announceKeyEvent(home.layout, openNotary(home, opened));
        after?.('announced');
      }
      return plan.rotation;
    } finally {
      await opened.close();
    }
  });
}

interface Plan {
  readonly event: KeyEvent;
  readonly change: KeyChange;
  readonly next: NewKey;
  readonly rotation: Rotation;
}

async function planRotation(
  home: Home,
  opened: HomeLedger,
  { purpose, overlap, compromised }: RotationRequest,
  now: number,
): Promise<Plan> {
  const passphrase = passphraseOf(home);
  const retired = keyIdOf(publicKeyOf(home, keyNames[purpose]));
  const end = now + (compromised === undefined ? overlap : 0);
  const next = await makeNewKey(purpose, home.config, startOf(now));
  const trustedRoot = withSuccessor(readTrustRoot(home.layout), next.trusted, end);
  const lastTrusted = await compromised?.lastTrusted(opened);
  // Authorities serve every log of the home: those that ended before are as good as they ended.
  const former = lastTrusted === undefined || purpose === 'log' ? [] : await formerLogs(home);
  const event: KeyEvent = {
    purpose,
    keyId: retired,
    event: compromised === undefined ? 'rotated' : 'compromised',
    successor: next.id,
    ...(lastTrusted && { lastTrusted }),
  };
  return {
    event,
    next,
    change: {
      keys: keyFileTexts(next.files, passphrase),
      trustedRoot: `${JSON.stringify(trustedRoot, null, 2)}\n`,
      ...(lastTrusted && {
        compromised: withDeclaration(
          home.layout,
          ...[lastTrusted, ...former].map((head) => ({ purpose, sha256: retired, lastTrusted: head })),
        ),
      }),
    },
    rotation: {
      purpose,
      retired: { sha256: retired, validUntil: new Date(end).toISOString() },
      successor: { sha256: next.id },
      ...(lastTrusted && { lastTrusted }),
    },
  };
}

/** The ledger takes the new key and the statement in one commit; the home follows. */
async function rotateLogKey(
  home: Home,
  opened: HomeLedger,
  { event, change, next }: Plan,
  after: AfterStep | undefined,
): Promise<void> {
  const successor = ed25519Signer(next.files.log ?? '');
  stageKeyChange(home.layout, change, { undecided: true, after });
  await opened.ledger.handOver(await draftKeyEvent(openNotary(home, opened), event), successor);
  after?.('handed over');
  decideLogKeyChange(home.layout, after);
  finishKeyChange(home.layout, after);
}

function publicKeyOf(home: Home, name: KeyName): Uint8Array {
  const publicKey = createPublicKey(readKey(home, name));
  return new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
}

function startOf(now: number): number {
  return Math.floor((now - validBeforeMs) / 1000) * 1000;
}

async function requireAlone({ instance, living }: HomeLedger): Promise<void> {
  const others = (await living()).filter((id) => id !== instance.id);
  if (others.length === 0) return;
  throw new CountersignError(
    'HOME_IN_USE',
    `${others.length} other process(es) have this log open: stop its gates first. They would go on with the old key.`,
  );
}
