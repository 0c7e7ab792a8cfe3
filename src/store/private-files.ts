/**
 * Files and directories that only our own user may touch, and that nobody else has put there.
 *
 * Directories are 0700 and files 0600 whatever the umask. A symbolic link, a device or something of another owner in
 * the place of one of ours is refused, never followed and never changed.
 */
import { constants, type Stats } from 'node:fs';
import { chmod, type FileHandle, lstat, mkdir, open } from 'node:fs/promises';
import { StoreError } from './store.ts';

/** The same error as a `StoreError`; `what` says in a few words what could not be done. */
export function storeError(cause: unknown, what: string): StoreError {
  if (cause instanceof StoreError) return cause;
  const { code = 'EIO', message } = cause as NodeJS.ErrnoException;
  return new StoreError(code, `${what}: ${message}`, cause);
}

/** Makes the directory unless it is there. Its parent must exist. Returns whether it was made. */
export async function makePrivateDirectory(path: string): Promise<boolean> {
  let made = true;
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    made = false;
  }
  const stats = await lstat(path);
  if (!stats.isDirectory() || !isOurs(stats)) throw new StoreError('EPERM', `${path} is not a directory of ours.`);
  if ((stats.mode & 0o777) !== 0o700) await chmod(path, 0o700);
  return made;
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
    if ((stats.mode & 0o777) !== 0o600) await chmod(path, 0o600);
  }
}

/** Opens a regular file of ours with flags of `open(2)`; one that they create is 0600. */
export async function openPrivateFile(path: string, flags: number): Promise<FileHandle> {
  const file = await open(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o600);
  try {
    const stats = await file.stat();
    if (!stats.isFile() || !isOurs(stats)) throw new StoreError('EPERM', `${path} is not a file of ours.`);
    if ((stats.mode & 0o777) !== 0o600) await file.chmod(0o600);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Makes what was created, renamed or unlinked in a directory survive a power cut. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function isOurs({ uid }: Stats): boolean {
  return process.getuid === undefined || uid === process.getuid();
}
