import { hkdfSync, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { equalBytes } from '../../call/bytes.ts';
import { hex, sha256 } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import type { RecordChange } from '../../gate/changes.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { parseCertificate } from '../../pki/parse-certificate.ts';
import { parsePem, toPem } from '../../pki/parse-pem.ts';
import { ecdsaSigner } from '../../pki/signer-node.ts';
import type { Signer } from '../../pki/signer.ts';
import type { HomeLayout } from '../home/home-layout.ts';
import type { Home } from '../home/open-home.ts';
import { finishKeyChange, stageKeyChange } from '../keys/key-change.ts';
import { asKeyChanger } from '../keys/key-changers.ts';
import { keyFileTexts, passphraseOf, readKey } from '../keys/key-store.ts';

/** What certifies the agents of a home. It has a root of its own: whoever has it can be any agent, and no gate. */
export interface WorkloadAuthority {
  readonly signer: Signer;
  /** DER. */
  readonly certificate: Uint8Array;
  /** Authenticates join tokens: whoever can write the ledger, and has not this key, can make none. 32 bytes. */
  readonly tokenKey: Uint8Array;
}

/** The authority starts a little before its first certificate, for clocks that are a little behind. */
const validBeforeMs = 60_000;

/** Makes the authority unless there is one; both files or none, also over a crash. HOME_IN_USE while another changes keys. */
export async function ensureWorkloadAuthority(home: Home, now = Date.now()): Promise<void> {
  const { layout } = home;
  if (existsSync(layout.workloadAuthority)) return;
  await asKeyChanger(layout, async () => {
    if (existsSync(layout.workloadAuthority)) return;
    // Loaded here: it brings an X.509 library along.
    const { createWorkloadAuthority } = await import('../../pki/authority.ts');
    const { trustDomain } = home.config;
    const made = await createWorkloadAuthority({ trustDomain, now: now - validBeforeMs });
    stageKeyChange(layout, {
      keys: keyFileTexts({ workload: made.privateKey }, passphraseOf(home)),
      workloadAuthority: toPem('CERTIFICATE', made.certificate),
    });
    finishKeyChange(layout);
  });
}

/** Its certificate, DER; undefined while there is none. HOME_INVALID when it cannot be read. */
export function readWorkloadCertificate({ workloadAuthority }: HomeLayout): Uint8Array | undefined {
  if (!existsSync(workloadAuthority)) return undefined;
  const [block, ...more] = parsePem(readFileSync(workloadAuthority, 'utf8')) ?? [];
  if (block?.label === 'CERTIFICATE' && more.length === 0) return block.der;
  throw new CountersignError('HOME_INVALID', `${workloadAuthority} is not one certificate in PEM.`);
}

/**
 * Opens the authority, and again what was put in its place: it may be made while a gate runs. What a gate has opened it keeps when
 * the passphrase is changed under it. HOME_INVALID, KEY_LOCKED.
 */
export function workloadAuthorityOf(home: Home): () => WorkloadAuthority | undefined {
  let held: WorkloadAuthority | undefined;
  return () => {
    const certificate = readWorkloadCertificate(home.layout);
    if (certificate === undefined) return undefined;
    if (held === undefined || !equalBytes(held.certificate, certificate)) {
      const key = readKey(home, 'workload');
      held = { signer: signerFor(key, certificate, home.layout), certificate, tokenKey: tokenKeyOf(key) };
    }
    return held;
  };
}

/** The same for a command, which has just made it where there was none. */
export async function openWorkloadAuthority(home: Home): Promise<WorkloadAuthority> {
  await ensureWorkloadAuthority(home);
  const authority = workloadAuthorityOf(home)();
  if (authority !== undefined) return authority;
  throw new CountersignError('HOME_INVALID', `${home.layout.workloadAuthority} is gone.`);
}

/** Says in the log, once, that this authority certifies the home's agents from now on. */
export async function announceWorkloadAuthority(
  { ledger, recordChange }: { readonly ledger: Pick<Ledger, 'heads'>; readonly recordChange: RecordChange },
  certificate: Uint8Array,
): Promise<void> {
  const digest = hex(sha256(certificate));
  const key = `workload-authority/${digest}`;
  if ((await ledger.heads([key])).has(key)) return;
  const { notBefore, notAfter } = parseCertificate(certificate);
  try {
    await recordChange({
      change: {
        kind: 'agent-authority-created',
        certificate: { digest: { sha256: digest } },
        notBefore: new Date(notBefore).toISOString(),
        notAfter: new Date(notAfter).toISOString(),
      },
      expects: [{ key, value: null }],
      sets: [{ key, value: 'logged' }],
    });
  } catch (error) {
    // Another process said it at the same time.
    if (!(error instanceof CountersignError) || error.code !== 'LEDGER_CONFLICT') throw error;
  }
}

function signerFor(key: KeyObject, certificate: Uint8Array, { workloadAuthority }: HomeLayout): Signer {
  const signer = ecdsaSigner(key);
  if (equalBytes(signer.publicKey, parseCertificate(certificate).spki)) return signer;
  throw new CountersignError('HOME_INVALID', `${workloadAuthority} is not of the key beside it.`);
}

/** Of the key itself, and not of its file, which has another text with every passphrase. */
function tokenKeyOf(key: KeyObject): Uint8Array {
  const { d = '' } = key.export({ format: 'jwk' });
  return new Uint8Array(hkdfSync('sha256', Buffer.from(d, 'base64url'), '', 'countersign join token v1', 32));
}
