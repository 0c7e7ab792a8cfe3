/**
 * The cache directory, which has one owner at a time.
 *
 * The owner holds an SQLite lock on the file `lock`. The system frees it when the process ends, however that ends. The
 * file `owner` says in JSON who the owner is and how to reach it, for everybody who may read the directory. Damaged content
 * is moved to `aside`, where the operator may look at it until the next time.
 */
import { constants } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { newPassword } from '../../kit/password.ts';
import { StoreError } from '../store.ts';
import {
  copyLinked,
  lstatIfThere,
  makePrivateDirectory,
  makePrivateFile,
  openPrivateFile,
  removeLinked,
  syncDirectory,
} from './private-files.ts';

const { O_CREAT, O_RDWR, O_TRUNC } = constants;

const names = {
  lock: 'lock',
  owner: 'owner',
  index: 'index.sqlite',
  objects: 'objects',
  aside: 'aside',
  probe: 'probe',
  password: 'page-password',
} as const;
const contents = [names.objects, names.index, `${names.index}-wal`, `${names.index}-shm`, `${names.index}-journal`];
const ours = new Set<string>([...Object.values(names), ...contents, `${names.lock}-journal`]);

/** In bytes: what a probe writes. With less room than this it is not worth storing again. */
const probeSize = 1024 * 1024;

/** What the owner tells of itself. */
export interface OwnerFields {
  readonly pid: number;
  /** Where its control API answers. */
  readonly control?: string;
  /** Lets in whoever may read the directory. */
  readonly token?: string;
  /** Where the page is on other devices, and the password that it asks for there. */
  readonly page?: { readonly addresses: readonly string[]; readonly password: string };
  /** The certificate (PEM) that it shows there; absent without TLS. */
  readonly certificate?: string;
}

/** What is held, and by which the file is known that it is held on. */
interface Lock {
  readonly database: DatabaseSync;
  readonly device: number;
  readonly inode: number;
}

/** SQLITE_BUSY: another connection holds the lock. */
const sqliteBusy = 5;

export class CacheDirectory {
  readonly #path: string;
  readonly objects: string;
  #lock: Lock;
  #owner: OwnerFields = { pid: process.pid };
  /** Of the index file that is open; `null` while none is. */
  #inode: number | null = null;

  private constructor(path: string, lock: Lock) {
    this.#path = path;
    this.objects = join(path, names.objects);
    this.#lock = lock;
  }

  /** Makes the directory if need be and becomes its owner; rejects with `EBUSY` where another process is. */
  static async claim(path: string): Promise<CacheDirectory> {
    let directory: CacheDirectory | null = null;
    try {
      await makeOwnDirectory(path);
      directory = new CacheDirectory(path, await takeLock(path));
      await directory.describeOwner({});
      await directory.prepare();
      // What is promised in it, a pin above all, must not vanish with the directory's own entry.
      await syncDirectory(path);
      await syncDirectory(dirname(path)).catch(() => {});
      return directory;
    } catch (error) {
      directory?.release();
      throw StoreError.from(error, `The cache directory ${path} can't be used`);
    }
  }

  get path(): string {
    return this.#path;
  }

  /** What the file `owner` says beside the pid; it is readable by our own user only. */
  async describeOwner(fields: Omit<OwnerFields, 'pid'>): Promise<void> {
    this.#owner = { pid: process.pid, ...fields };
    await this.#writeOwner();
  }

  /** The password of the page: made once, and kept for later starts; whoever removes the file gets another one. */
  async pagePassword(): Promise<string> {
    const file = await openPrivateFile(join(this.#path, names.password), O_CREAT | O_RDWR);
    try {
      const kept = (await file.readFile('utf8')).trim();
      if (/^[\w-]{16,100}$/.test(kept)) return kept;
      const password = newPassword();
      await file.truncate();
      await file.write(`${password}\n`, 0);
      await file.datasync();
      return password;
    } finally {
      await file.close();
    }
  }

  async #writeOwner(): Promise<void> {
    const owner = await openPrivateFile(join(this.#path, names.owner), O_CREAT | O_RDWR | O_TRUNC);
    try {
      await owner.writeFile(`${JSON.stringify(this.#owner)}\n`);
    } finally {
      await owner.close();
    }
  }

  /** The index that is there now has been opened; resolves with whether it is another one than before. */
  async noteIndex(): Promise<boolean> {
    const before = this.#inode;
    this.#inode = (await stat(this.index)).ino;
    return this.#inode !== before;
  }

  /** Whether the directory is the one that was claimed, with the index that is open. */
  async isThere(): Promise<boolean> {
    try {
      const found = await stat(this.index);
      await stat(join(this.#path, names.lock));
      await stat(this.objects);
      return found.ino === this.#inode;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
  }

  /** Begins an empty cache, after somebody has removed the directory or something in it. */
  async restore(): Promise<void> {
    // Until there is one again, whatever became of the file with this number.
    this.#inode = null;
    await makeOwnDirectory(this.#path);
    if (!(await this.#holdsLock())) {
      const lock = await takeLock(this.#path);
      this.#lock.database.close();
      this.#lock = lock;
    }
    await this.#writeOwner();
    await this.setAside();
    await syncDirectory(this.#path);
  }

  /** Whether the lock is the one that others find. */
  async #holdsLock(): Promise<boolean> {
    const found = await lstatIfThere(join(this.#path, names.lock));
    return found?.dev === this.#lock.device && found.ino === this.#lock.inode;
  }

  /** Rejects where the file system takes no bytes. */
  async probe(): Promise<void> {
    const path = join(this.#path, names.probe);
    try {
      const file = await openPrivateFile(path, O_CREAT | O_RDWR | O_TRUNC);
      try {
        await file.writeFile(Buffer.alloc(probeSize, 1));
        await file.datasync();
      } finally {
        await file.close();
      }
    } finally {
      await rm(path, { force: true });
    }
  }

  get index(): string {
    return join(this.#path, names.index);
  }

  /** Where the files of an object lie: `objects/<first two letters of the key>/<key>`. */
  pathOf(key: string): string {
    return `${this.objects}${sep}${key.slice(0, 2)}${sep}${key}`;
  }

  /**
   * Makes what every cache has: a place for objects, and a private file for the index. SQLite opens files by their names:
   * before it does, none of them may have another one.
   */
  async prepare(): Promise<void> {
    await makePrivateDirectory(this.objects);
    await makePrivateFile(this.index);
    for (const path of [this.index, `${this.index}-wal`, `${this.index}-journal`]) await copyLinked(path);
    await removeLinked(`${this.index}-shm`);
  }

  /** Moves everything but the ownership out of the way and begins an empty cache. */
  async setAside(): Promise<void> {
    const aside = join(this.#path, names.aside);
    await rm(aside, { recursive: true, force: true });
    await makePrivateDirectory(aside);
    const present = new Set(await readdir(this.#path));
    for (const name of contents) {
      if (present.has(name)) await rename(join(this.#path, name), join(aside, name));
    }
    await this.prepare();
  }

  release(): void {
    this.#lock.database.close();
  }
}

/** Where a parent exists and takes no directories, as in /proc, Node's own `recursive` tries for ever. */
async function makeDirectories(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || (await lstatIfThere(dirname(path))) !== null) throw error;
    await makeDirectories(dirname(path));
    await makeDirectories(path);
  }
}

/** The directory may be reached by a link; what is in it may not be anyone else's. */
async function makeOwnDirectory(path: string): Promise<void> {
  await makeDirectories(path);
  const stats = await stat(path);
  if (process.getuid !== undefined && stats.uid !== process.getuid()) {
    throw new StoreError('EPERM', `The cache directory ${path} belongs to user ${stats.uid}.`);
  }
  if ((stats.mode & 0o777) === 0o700) return;
  const foreign = (await readdir(path)).find((name) => !ours.has(name) && name !== 'lost+found');
  if (foreign !== undefined)
    throw new StoreError(
      'EPERM',
      `The cache directory ${path} is open to others and holds ${foreign}, which is not ours.`,
    );
  await chmod(path, 0o700);
}

async function takeLock(path: string): Promise<Lock> {
  const file = join(path, names.lock);
  // Never written, so it is empty, whatever other names it has: whoever holds the lock holds it under each of them.
  if (((await lstatIfThere(file))?.size ?? 0) > 0) await removeLinked(file);
  await makePrivateFile(file);
  if ((await stat(file)).size > 0) throw new StoreError('EPERM', `${file} is not a lock of ours: it is not empty.`);
  for (const beside of ['-journal', '-wal', '-shm']) await removeLinked(`${file}${beside}`);
  const database = new DatabaseSync(file);
  try {
    database.exec('BEGIN EXCLUSIVE');
    const { dev: device, ino: inode } = await stat(file);
    return { database, device, inode };
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode !== sqliteBusy) throw error;
    throw new StoreError('EBUSY', `The cache directory ${path} is in use by process ${await ownerOf(path)}.`);
  }
}

/** The pid of the owner; also as earlier versions wrote it, alone. */
async function ownerOf(path: string): Promise<string> {
  const text = await readFile(join(path, names.owner), 'utf8').catch(() => '');
  return /\d+/.exec(text)?.[0] ?? 'unknown';
}
