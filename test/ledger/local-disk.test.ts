import { describe, expect, it } from 'vitest';
import { assertLocalDisk, networkKindOfMagic, networkKindOfMount } from '../../src/ledger/local-disk-node.ts';
import { removeDirectory, temporaryDirectory } from './temporary-directory.ts';

describe('the disk that a ledger is on', () => {
  it('may be the one that tests run on', () => {
    const directory = temporaryDirectory();
    expect(() => assertLocalDisk(directory)).not.toThrow();
    removeDirectory(directory);
  });

  it.each([
    [0x6969n, 'NFS'],
    [0x517bn, 'SMB'],
    [0xff534d42n, 'CIFS'],
    [BigInt.asIntN(32, 0xff534d42n), 'CIFS'],
    [0xfe534d42n, 'SMB2'],
    [0x65735546n, 'FUSE'],
    [0x01021997n, '9P'],
    [0xef53n, null],
    [0x58465342n, null],
    [0x9123683en, null],
    [0x01021994n, null],
  ])('with magic number %d is a network: %s', (magic, kind) => {
    expect(networkKindOfMagic(magic)).toBe(kind);
  });

  // Lines of the form that proc_pid_mountinfo(5) describes.
  const mounts = [
    '22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw',
    '30 22 0:25 / /home rw,nosuid - nfs4 server:/home rw',
    '31 30 254:1 / /home/me/local rw - xfs /dev/vdb rw',
    '32 22 0:27 / /mnt/with\\040space rw - fuse.sshfs host:/ rw',
    '33 22 0:28 / /mnt/twice rw - ext4 /dev/vdc rw',
    '34 33 0:29 / /mnt/twice rw - cifs //host/share rw',
    'not a line',
    '',
  ].join('\n');

  it.each([
    ['/home/me', 'nfs4'],
    ['/home', 'nfs4'],
    ['/home/me/local', null],
    ['/home/me/local/deep/er', null],
    ['/home/me/localish', 'nfs4'],
    ['/homes', null],
    ['/mnt/with space/x', 'fuse.sshfs'],
    ['/mnt/twice/x', 'cifs'],
    ['/', null],
  ])('is looked up in the table of mounts: %s is %s', (path, kind) => {
    expect(networkKindOfMount(path, mounts)).toBe(kind);
  });
});
