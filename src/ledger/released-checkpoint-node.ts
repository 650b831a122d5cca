import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { base64, fromBase64, hex, sha256, utf8 } from '../call/sha256.ts';
import { CountersignError, systemCode, toCountersignError } from '../errors.ts';
import type { ReleasedCheckpoint, ReleasedCheckpoints } from './released-checkpoint.ts';
import { syncDirectory } from './sync-directory-node.ts';

export interface ReleasedCheckpointFile extends ReleasedCheckpoints {
  store(checkpoint: ReleasedCheckpoint): void;
  close(): void;
}

export interface ReleasedCheckpointOptions {
  /** Where all instances of one home keep theirs; made if it is missing. */
  readonly directory: string;
  /** This gate instance: its file is `<instance>.released`. */
  readonly instance: string;
  /** Whether another instance still runs: only then is its file left alone. */
  readonly isAlive: (instance: string) => boolean;
}

const suffix = '.released';
/** The file has two slots, overwritten in turn; so far apart that no disk writes both at once. */
const slotSize = 4_096;

/**
 * One small file an instance, outside the ledger. Each slot has its own checksum, so a write that was cut short leaves the
 * one before.
 *
 * Nothing is synced at a commit. A crash of the process or `kill -9` loses nothing, since the kernel has the bytes. A power
 * failure may set the file back by what the kernel had not written yet, some tens of seconds; the ledger, synced at every
 * commit, is then ahead of it, which is no harm. What could pass afterwards is a backup of the ledger from those seconds.
 *
 * The first `store` takes over from dead instances: it removes their files once its own, which says more, is on the disk.
 */
export function openReleasedCheckpoints(options: ReleasedCheckpointOptions): ReleasedCheckpointFile {
  const { directory, instance, isAlive } = options;
  const path = join(directory, instance + suffix);
  let handle: number | null = null;
  let slot = 0;

  const removeDead = (newest: ReleasedCheckpoint): void => {
    for (const name of fileNames(directory)) {
      const other = name.slice(0, -suffix.length);
      if (other === instance || isAlive(other)) continue;
      const left = readFile(join(directory, name));
      if (left !== null && left.size <= newest.size) rmSync(join(directory, name), { force: true });
    }
  };

  return {
    load: async () =>
      guarded(() => {
        mkdirSync(directory, { recursive: true, mode: 0o700 });
        return readAll(directory);
      }),
    store(checkpoint) {
      guarded(() => {
        if (handle === null) {
          handle = makeFile(path, checkpoint);
          removeDead(checkpoint);
          return;
        }
        writeSync(handle, encode(checkpoint), slot * slotSize);
        slot = 1 - slot;
      });
    },
    close() {
      if (handle !== null) closeSync(handle);
      handle = null;
    },
  };
}

/** The file appears at its path complete and synced: from then on a slot is always whole. */
function makeFile(path: string, checkpoint: ReleasedCheckpoint): number {
  const draft = `${path}.new`;
  const handle = openSync(draft, 'w', 0o600);
  writeSync(handle, new Uint8Array(2 * slotSize), 0);
  writeSync(handle, encode(checkpoint), 0);
  writeSync(handle, encode(checkpoint), slotSize);
  fsyncSync(handle);
  renameSync(draft, path);
  syncDirectory(path);
  return handle;
}

function fileNames(directory: string): string[] {
  return readdirSync(directory).filter((name) => name.endsWith(suffix));
}

/** A file that vanishes while all are read was taken over by one that may not have been listed yet: list again. */
function readAll(directory: string): readonly ReleasedCheckpoint[] {
  for (let tries = 0; tries < 100; tries++) {
    const found = fileNames(directory).map((name) => readFile(join(directory, name)));
    const whole = found.filter((checkpoint) => checkpoint !== null);
    if (whole.length === found.length) return whole;
  }
  throw new CountersignError('LEDGER_UNAVAILABLE', 'The records of released checkpoints do not keep still.');
}

/** Null when there is no such file. */
function readFile(path: string): ReleasedCheckpoint | null {
  const text = readText(path);
  if (text === null) return null;
  const [first, second] = [decode(text.slice(0, slotSize)), decode(text.slice(slotSize))];
  const newest = (second?.size ?? -1) > (first?.size ?? -1) ? second : first;
  if (newest === null)
    throw new CountersignError(
      'LEDGER_CORRUPT',
      'The record of the last released checkpoint is damaged. Without it a restored ledger could not be told.',
    );
  return newest;
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return null;
    throw thrown;
  }
}

/** `<size> <base64 of the root> <hex SHA-256 of what stands before>` and a newline, which ends what is read. */
function encode({ size, root }: ReleasedCheckpoint): string {
  const body = `${size} ${base64(root)}`;
  return `${body} ${hex(sha256(utf8(body)))}\n`;
}

function decode(slot: string): ReleasedCheckpoint | null {
  const [, body, sizeText, rootText, checksum] = /^((\d{1,16}) (\S+)) ([0-9a-f]{64})\n/.exec(slot) ?? [];
  const root = fromBase64(rootText ?? '');
  if (body === undefined || root === undefined || hex(sha256(utf8(body))) !== checksum) return null;
  return { size: Number(sizeText), root };
}

function guarded<T>(act: () => T): T {
  try {
    return act();
  } catch (thrown) {
    throw toCountersignError(
      thrown,
      'LEDGER_UNAVAILABLE',
      'The record of the last released checkpoint cannot be read or written.',
    );
  }
}
