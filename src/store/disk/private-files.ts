/**
 * Files and directories that only our own user may touch, and that nobody else has put there.
 *
 * Directories are 0700 and files 0600 whatever the umask. A symbolic link, a device or another owner's file in place of one
 * of ours is never followed and never changed. A file with a second name (a hard link) may be somebody else's under that
 * name: it is read but never written. A write goes to a copy, which takes its place.
 */
import { closeSync, constants, fstatSync, fsync, lstatSync, open as openCallback, type Stats } from 'node:fs';
import { chmod, copyFile, type FileHandle, lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import type { SystemCalls } from '../../system-calls.ts';
import { StoreError } from '../store.ts';

const {
  COPYFILE_EXCL,
  COPYFILE_FICLONE,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
} = constants;

/** Of the user that this process is; `undefined` where there are none. */
const ourUid = process.getuid?.();

const openBare = promisify(openCallback);
const syncBare = promisify(fsync);

/** Makes the directory unless it is there. Its parent must exist. */
export async function makePrivateDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  // The system has just found it, and knows it without the disk.
  const stats = lstatSync(path);
  if (!stats.isDirectory() || !isOurs(stats)) throw new StoreError('EPERM', `${path} is not a directory of ours.`);
  if ((stats.mode & 0o777) !== 0o700) await chmod(path, 0o700);
}

/**
 * Makes an empty file unless it is there. One that is there is looked at, not opened: to close it would free every
 * lock that this process holds on it.
 */
export async function makePrivateFile(path: string): Promise<void> {
  try {
    const file = await openPrivateFile(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL);
    await file.close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const stats = await lstat(path);
    if (!stats.isFile() || !isOurs(stats)) throw new StoreError('EPERM', `${path} is not a file of ours.`);
    if (stats.nlink === 1 && (stats.mode & 0o777) !== 0o600) await chmod(path, 0o600);
  }
}

/**
 * Opens a regular file of ours with flags of `open(2)`; one that they create is 0600. For writing it is one that has no
 * other name, and no link to elsewhere.
 */
export async function openPrivateFile(path: string, flags: number): Promise<FileHandle> {
  const writes = (flags & (O_RDWR | O_WRONLY)) !== 0;
  const file = (await createFile(path, flags)) ?? (await openFile(path, flags, writes));
  try {
    const stats = fstatSync(file.fd);
    const isAlone = stats.nlink <= 1;
    if (!stats.isFile() || !isOurs(stats) || (writes && !isAlone)) {
      throw new StoreError('EPERM', `${path} is not a file of ours.`);
    }
    if (isAlone && (stats.mode & 0o777) !== 0o600) await file.chmod(0o600);
    if (flags & O_TRUNC) await file.truncate();
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** `null` where it is there already, or these flags create nothing. */
async function createFile(path: string, flags: number): Promise<FileHandle | null> {
  if ((flags & O_CREAT) === 0) return null;
  try {
    return await open(path, flags | O_EXCL | O_NOFOLLOW | O_NONBLOCK, 0o600);
  } catch (error) {
    if ((flags & O_EXCL) !== 0 || (error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return null;
  }
}

async function openFile(path: string, flags: number, writes: boolean): Promise<FileHandle> {
  if (writes) await (flags & O_TRUNC ? removeLinked(path) : copyLinked(path));
  // Not truncated before it is known to be ours.
  return open(path, (flags & ~O_TRUNC) | O_NOFOLLOW | O_NONBLOCK, 0o600);
}

/**
 * The descriptor of such a file, opened for reading before this returns. `null` where that would need the disk, or where
 * anything about the file calls for more than a look: `openPrivateFile` deals with it. `openCached` is that of
 * `SystemCalls`.
 */
export function openPrivateFileNow(path: string, openCached: SystemCalls['openCached']): number | null {
  const descriptor = openCached(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor < 0) return null;
  const stats = fstatSync(descriptor);
  if (stats.isFile() && isOurs(stats) && (stats.nlink > 1 || (stats.mode & 0o777) === 0o600)) return descriptor;
  closeSync(descriptor);
  return null;
}

/**
 * Puts a copy in the place of a file that has another name too; takes a symbolic link away, whose content is not ours.
 * What is neither stays as it is.
 */
export async function copyLinked(path: string): Promise<void> {
  const stats = await lstatIfThere(path);
  if (!isLinked(stats)) return;
  if (!stats.isFile()) return rm(path);
  if (!isOurs(stats)) throw new StoreError('EPERM', `${path} is not a file of ours.`);
  const copy = `${path}.copy`;
  await rm(copy, { force: true });
  await copyFile(path, copy, COPYFILE_EXCL | COPYFILE_FICLONE);
  const file = await openPrivateFile(copy, O_RDONLY);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(copy, path);
  await syncDirectory(dirname(path));
}

/** Takes away a name under which something lies that has another name too, or lies elsewhere. */
export async function removeLinked(path: string): Promise<void> {
  if (isLinked(await lstatIfThere(path))) await rm(path);
}

/** `null` where nothing is at the path. */
export async function lstatIfThere(path: string): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return null;
  }
}

function isLinked(stats: Stats | null): stats is Stats {
  return stats !== null && (stats.isSymbolicLink() || (stats.isFile() && stats.nlink > 1));
}

/**
 * Makes what was created, renamed or unlinked in a directory survive a power cut. With `openCached`, which is that of
 * `SystemCalls`, a thread opens it only where the system does not know its path.
 */
export async function syncDirectory(path: string, openCached: SystemCalls['openCached'] = () => -1): Promise<void> {
  const flags = constants.O_RDONLY | constants.O_DIRECTORY;
  const opened = openCached(path, flags);
  const directory = opened < 0 ? await openBare(path, flags) : opened;
  try {
    await syncBare(directory);
  } finally {
    closeSync(directory);
  }
}

function isOurs({ uid }: Stats): boolean {
  return ourUid === undefined || uid === ourUid;
}
