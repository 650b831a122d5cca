import { readFileSync, realpathSync, statfsSync } from 'node:fs';
import { dirname, sep } from 'node:path';
import { CountersignError } from '../errors.ts';

/**
 * File systems whose locks and shared memory do not hold across machines, by `statfs(2)` magic number: SQLite's WAL needs
 * both. FUSE stands for sshfs and its kind, and for the shared folders of virtual machines, which are no better.
 */
const networkMagic: ReadonlyMap<bigint, string> = new Map([
  [0x6969n, 'NFS'],
  [0x517bn, 'SMB'],
  [0xff534d42n, 'CIFS'],
  [0xfe534d42n, 'SMB2'],
  [0x65735546n, 'FUSE'],
  [0x01021997n, '9P'],
  [0x00c36400n, 'Ceph'],
  [0x0bd00bd0n, 'Lustre'],
  [0x5346414fn, 'AFS'],
  [0x6b414653n, 'AFS'],
  [0x73757245n, 'Coda'],
  [0x564cn, 'NCP'],
  [0x47504653n, 'GPFS'],
  [0x19830326n, 'BeeGFS'],
  [0x01161970n, 'GFS2'],
  [0x7461636fn, 'OCFS2'],
]);

/** What `/proc/self/mountinfo` calls such file systems, for those that hide behind another's magic number. */
const networkType =
  /^(?:nfs|smb|cifs|fuse(?:\.|$|blk$)|9p|ceph|lustre|afs|glusterfs|gpfs|beegfs|gfs2|ocfs2|virtiofs|vboxsf)/;

/** LEDGER_UNSAFE when the directory is on a network file system. Exact on Linux; elsewhere only what is plain to see. */
export function assertLocalDisk(directory: string): void {
  const kind = networkKind(directory);
  if (kind !== null)
    throw new CountersignError(
      'LEDGER_UNSAFE',
      `The ledger is on a network file system (${kind}), which can lose or fork it. Put it on a local disk.`,
    );
}

function networkKind(directory: string): string | null {
  const path = realpathSync(directory);
  if (path.startsWith('\\\\')) return 'UNC path';
  if (process.platform !== 'linux') return null;
  return (
    networkKindOfMagic(statfsSync(path, { bigint: true }).type) ?? networkKindOfMount(path, readMounts())
  );
}

/** The name of a network file system by its magic number, else null. Signed 32-bit numbers are taken as unsigned. */
export function networkKindOfMagic(magic: bigint): string | null {
  return networkMagic.get(BigInt.asUintN(32, magic)) ?? null;
}

/** The type of the mount that has `path`, if it is a network file system, from the text of `mountinfo` (proc(5)). */
export function networkKindOfMount(path: string, mountinfo: string): string | null {
  let best = { point: '', type: '' };
  for (const line of mountinfo.split('\n')) {
    const [left, right] = line.split(' - ');
    const point = left
      ?.split(' ')[4]
      ?.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
    const type = right?.split(' ')[0];
    // The last of several mounts on one point is the one in sight.
    if (point !== undefined && type !== undefined && holds(point, path) && point.length >= best.point.length)
      best = { point, type };
  }
  return networkType.test(best.type) ? best.type : null;
}

function holds(point: string, path: string): boolean {
  for (let at = path; ; at = dirname(at)) {
    if (at === point) return true;
    if (at === dirname(at) || at === sep) return point === at;
  }
}

function readMounts(): string {
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    // A sandbox without /proc: the magic number has spoken already.
    return '';
  }
}
