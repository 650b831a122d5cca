import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { hex } from '../../call/sha256.ts';
import { CountersignError, systemCode } from '../../errors.ts';
import { fileIdentity } from '../../ledger/file-identity-node.ts';
import { assertLocalDisk } from '../../ledger/local-disk-node.ts';
import { isSafeSqlite } from '../../ledger/store-sqlite-open.ts';
import { syncDirectory } from '../../ledger/sync-directory-node.ts';
import { ed25519Signer, generateEd25519Key } from '../../pki/signer-node.ts';
import type { SyncSigner } from '../../pki/signer.ts';
import { cosigner } from '../../tlog/cosigner.ts';
import { formatVkey } from '../../tlog/vkey.ts';
import { createWitnessState, openWitnessState } from '../../witness/state-sqlite.ts';
import type { WitnessBooks } from '../../witness/store.ts';

/** Where things are in a witness’s folder. It is 0700, everything in it 0600. */
interface WitnessLayout {
  readonly config: string;
  readonly key: string;
  readonly state: string;
}

/** What a witness is known by. */
export interface WitnessIdentity {
  readonly name: string;
  readonly vkey: string;
}

/** A witness that can be used: its key, and the only state that goes with it. */
export interface OpenedWitness extends WitnessIdentity {
  readonly signer: SyncSigner;
  readonly books: WitnessBooks;
  close(): void;
}

/**
 * Makes a witness: a key, an empty state. It is made beside its place and moved there whole. Never overwrites: HOME_EXISTS.
 * CONFIG_INVALID for a name that no key can have; HOME_INVALID where it cannot be.
 */
export function createWitness(root: string, name: string): WitnessIdentity {
  const { pem, signer } = generateEd25519Key();
  const { key } = cosigner(name, signer);
  assertFree(root);
  const building = `${root}.new-${hex(crypto.getRandomValues(new Uint8Array(6)))}`;
  try {
    mkdirSync(building, { recursive: true, mode: 0o700 });
    assertUsablePlace(building);
    const layout = layoutOf(building);
    writeSecret(layout.key, pem);
    closeSync(openSync(layout.state, 'wx', 0o600));
    createWitnessState(layout.state, { name, publicKey: key.publicKey, fileId: identityOf(layout.state) });
    writeSecret(layout.config, `${JSON.stringify({ version: 1, name }, null, 2)}\n`);
    renameSync(building, root);
    syncDirectory(root);
  } catch (error) {
    rmSync(building, { recursive: true, force: true });
    throw placeError(error, root);
  }
  return { name, vkey: formatVkey(key) };
}

/** Who the witness is. Its state is not touched, and may be missing. */
export function witnessIdentity(root: string): WitnessIdentity {
  const { name, signer } = readWitness(root);
  return { name, vkey: formatVkey(cosigner(name, signer).key) };
}

/**
 * Opens a witness with its state. HOME_MISSING, HOME_INVALID; WITNESS_COPIED when its state is a copy or was restored;
 * WITNESS_STATE_UNUSABLE when there is none: a key that has cosigned does not begin again.
 */
export function openWitness(root: string): OpenedWitness {
  const { name, signer } = readWitness(root);
  const { key } = cosigner(name, signer);
  assertUsablePlace(root);
  const { state } = layoutOf(root);
  const books = openWitnessState(state, {
    name,
    publicKey: key.publicKey,
    fileId: identityOf(state),
  });
  return { name, vkey: formatVkey(key), signer, books, close: books.close };
}

function layoutOf(root: string): WitnessLayout {
  return {
    config: join(root, 'witness.json'),
    key: join(root, 'witness.key.pem'),
    state: join(root, 'state.sqlite'),
  };
}

function readWitness(root: string): { readonly name: string; readonly signer: SyncSigner } {
  const layout = layoutOf(root);
  if (!existsSync(layout.config)) {
    throw new CountersignError(
      'HOME_MISSING',
      `There is no witness at ${root}. Make one with: countersign witness init ${root} --name NAME`,
    );
  }
  try {
    assertPrivate(root);
    assertPrivate(layout.key);
    const config = JSON.parse(readFileSync(layout.config, 'utf8')) as { version?: unknown; name?: unknown };
    if (config.version !== 1 || typeof config.name !== 'string') {
      throw new CountersignError(
        'HOME_INVALID',
        `${layout.config} is not one that this version understands.`,
      );
    }
    return { name: config.name, signer: ed25519Signer(readFileSync(layout.key, 'utf8')) };
  } catch (error) {
    throw placeError(error, root);
  }
}

function identityOf(state: string): string {
  const identity = fileIdentity(state);
  if (identity === null) {
    throw new CountersignError(
      'WITNESS_STATE_UNUSABLE',
      `${state} is gone. A key that has cosigned cannot begin again: make a new witness, with a new key.`,
    );
  }
  return identity;
}

function assertFree(root: string): void {
  if (!existsSync(root)) return;
  if (statSync(root).isDirectory() && readdirSync(root).length === 0) return;
  if (existsSync(layoutOf(root).config)) {
    throw new CountersignError('HOME_EXISTS', `There is a witness at ${root} already; nothing was changed.`);
  }
  throw new CountersignError('HOME_INVALID', `${root} is there and is not empty: choose another folder.`);
}

/** Where a commit may be lost, two histories can be cosigned. */
function assertUsablePlace(root: string): void {
  const sqlite = process.versions['sqlite'] ?? '';
  if (!isSafeSqlite(sqlite)) {
    throw new CountersignError(
      'WITNESS_STATE_UNUSABLE',
      `SQLite ${sqlite} can lose what was committed. Use a Node.js with SQLite 3.51.3 or later.`,
    );
  }
  try {
    assertLocalDisk(root);
  } catch (cause) {
    const message = `${root} is on a network file system, which can lose what was committed: choose a local disk.`;
    throw new CountersignError('HOME_INVALID', message, { cause });
  }
}

/** As with SSH keys: what others can read is no secret, so it is not used. */
function assertPrivate(path: string): void {
  if (process.platform === 'win32' || (statSync(path).mode & 0o077) === 0) return;
  throw new CountersignError(
    'HOME_INVALID',
    `Others can read ${path}. Make it private with: chmod go= ${path}`,
  );
}

function writeSecret(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o600, flag: 'wx', flush: true });
}

function placeError(error: unknown, root: string): CountersignError {
  if (error instanceof CountersignError) return error;
  const why = systemCode(error);
  return new CountersignError('HOME_INVALID', `The witness at ${root} cannot be made or read (${why}).`, {
    cause: error,
  });
}
