import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { outcome as outcomeStatement, verdict as verdictStatement } from '../../src/envelope/statements.ts';
import { hex } from '../../src/call/sha256.ts';
import { notarise } from '../../src/gate/notary.ts';
import { toolPinKey, serverPinKey } from '../../src/gate/pins.ts';
import type { SideRow } from '../../src/ledger/ledger.ts';
import { changeRecorder } from '../../src/runtime/changes.ts';
import { createHome } from '../../src/runtime/home/create-home.ts';
import { openHomeLedger } from '../../src/runtime/home/home-ledger.ts';
import { openNotary } from '../../src/runtime/home/notary.ts';
import { openHome, type Home } from '../../src/runtime/home/open-home.ts';
import { withHome } from '../../src/runtime/home/with-home.ts';
import { allowed } from '../envelope/facts.ts';
import { encryptCheaply } from './made-home.ts';

/** A home in a temporary folder, without a process: its log is written by the rooms that a gate is made of. */
export interface HomeOnDisk extends Disposable {
  readonly work: string;
  readonly root: string;
  open(): Home;
}

/** With a passphrase its keys are encrypted. */
export async function homeOnDisk(passphrase?: string): Promise<HomeOnDisk> {
  const work = mkdtempSync(join(tmpdir(), 'countersign-home-'));
  const root = join(work, 'home');
  await createHome(root, undefined, () => undefined);
  if (passphrase !== undefined) encryptCheaply(root, passphrase);
  return {
    work,
    root,
    open: () => openHome(root, '', () => passphrase),
    [Symbol.dispose]: () => rmSync(work, { recursive: true, force: true }),
  };
}

export const acceptedDigest = 'aa'.repeat(32);
export const serverDigest = 'bb'.repeat(32);

/** What `tools accept` writes, of one tool of the server `files`. */
export async function accept(home: Home, tool: string): Promise<void> {
  const opened = await openHomeLedger(home);
  try {
    await changeRecorder(
      openNotary(home, opened),
      'same-user',
    )({
      change: {
        kind: 'tools-accepted',
        server: { name: 'files', digest: { sha256: serverDigest } },
        tools: [{ name: tool, definition: { sha256: acceptedDigest } }],
      },
      expects: [],
      sets: [
        { key: serverPinKey('files'), value: serverDigest },
        { key: toolPinKey('files', tool), value: `${acceptedDigest} accepted` },
      ],
    });
  } finally {
    await opened.close();
  }
}

/** An ALLOW with plaintext beside it, and its outcome unless `open`. */
export async function call(home: Home, { open = false }: { readonly open?: boolean } = {}): Promise<string> {
  const opened = await openHomeLedger(home);
  try {
    const notary = openNotary(home, opened);
    const { ledger, instance } = opened;
    const callId = crypto.randomUUID();
    const time = Date.now();
    const notAfter = time + 60_000;
    const side: SideRow[] = [
      { name: 'action', salt: new Uint8Array(16), value: Buffer.from(`secret of ${callId}`) },
    ];
    const said = verdictStatement({
      ...allowed,
      call: { ...allowed.call, id: callId },
      decidedAt: time,
      notAfter,
    });
    const { signed } = await notarise(notary, 'allow', said, time);
    const permit = { action: 'open', instance: instance.id, notAfter } as const;
    const proof = await ledger.append({ signed, time, callId, expects: [], sets: [], side, permit });
    if (open) return callId;
    const did = outcomeStatement({
      callId,
      subject: allowed.commitments.subject,
      verdict: {
        sha256: hex(signed.paeSha256),
        logIndex: proof.logIndex,
        treeSize: proof.treeSize,
        rootHash: hex(proof.rootHash),
      },
      outcome: 'executed',
      startedAt: time,
      finishedAt: time,
      observedBy: 'gate',
      session: allowed.session,
      mode: 'same-user',
    });
    const end = await notarise(notary, 'outcome', did, time);
    await ledger.append({
      signed: end.signed,
      time,
      callId,
      expects: [],
      sets: [],
      side: [],
      permit: { action: 'close' },
    });
    return callId;
  } finally {
    await opened.close();
  }
}

/** How many entries the home’s log has. */
export async function sizeOf(home: Home): Promise<number> {
  return withHome(home, async ({ ledger }) => (await ledger.checkpoint())?.size ?? 0);
}
