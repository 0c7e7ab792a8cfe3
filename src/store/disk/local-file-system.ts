/** Which file systems ask no other program and no other machine to open a file, so that the main thread may open one. */
import { statfs } from 'node:fs/promises';

/**
 * By the magic number of statfs(2). Any other one may ask a program or another machine at each opening, however well its
 * path is known (FUSE, NFS, SMB, 9P).
 */
const local = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // XFS
  0x9123683e, // Btrfs
  0x2fc12fc1, // ZFS
  0xf2f52010, // F2FS
  0xca451a4e, // bcachefs
  0x01021994, // tmpfs
  0x794c7630, // overlayfs
]);

/** Whether what lies in a directory is on a file system of the kernel's own; `false` as well where that is not told. */
export async function isOnLocalFileSystem(directory: string): Promise<boolean> {
  const found = await statfs(directory).catch(() => null);
  return found !== null && local.has(found.type);
}
