/**
 * The cache directory, and that it has one owner at a time.
 *
 * The owner holds an SQLite lock on the file `lock`, which the system frees with the process however that ends; the
 * file `owner` says which process that is, for whoever is refused, and how it is steered, for whoever may read the
 * directory. Damaged content is moved to `aside`, where the operator may
 * look at it until the next time.
 */
import { constants } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makePrivateDirectory, makePrivateFile, openPrivateFile, storeError } from './private-files.ts';
import { StoreError } from './store.ts';

const { O_CREAT, O_RDWR, O_TRUNC } = constants;

const names = { lock: 'lock', owner: 'owner', index: 'index.sqlite', objects: 'objects', aside: 'aside' } as const;
const contents = [names.objects, names.index, `${names.index}-wal`, `${names.index}-shm`, `${names.index}-journal`];
const ours = new Set<string>([...Object.values(names), ...contents, `${names.lock}-journal`]);

/** SQLITE_BUSY: another connection holds the lock. */
const sqliteBusy = 5;

/** How the owner is steered: where its control API is, and a token for it. */
export interface OwnerFacts {
  readonly control?: string;
  readonly token?: string;
}

export class CacheDirectory {
  readonly #path: string;
  readonly #lock: DatabaseSync;

  private constructor(path: string, lock: DatabaseSync) {
    this.#path = path;
    this.#lock = lock;
  }

  /** Makes the directory if need be and becomes its owner; rejects with `EBUSY` where another process is. */
  static async claim(path: string): Promise<CacheDirectory> {
    try {
      await makeOwnDirectory(path);
      const directory = new CacheDirectory(path, await takeLock(path));
      await directory.announce({});
      await directory.prepare();
      return directory;
    } catch (error) {
      throw storeError(error, `The cache directory ${path} can't be used`);
    }
  }

  get objects(): string {
    return join(this.#path, names.objects);
  }

  get index(): string {
    return join(this.#path, names.index);
  }

  /** Says in the file `owner`, beside which process this is, what others are to know of it. */
  async announce(facts: OwnerFacts): Promise<void> {
    const owner = await openPrivateFile(join(this.#path, names.owner), O_CREAT | O_RDWR | O_TRUNC);
    try {
      await owner.writeFile(`${JSON.stringify({ pid: process.pid, ...facts })}\n`);
    } finally {
      await owner.close();
    }
  }

  /** Makes what every cache has: a place for objects, and a private file for the index. */
  async prepare(): Promise<void> {
    await makePrivateDirectory(this.objects);
    await makePrivateFile(this.index);
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
    this.#lock.close();
  }
}

/** The directory may be reached by a link; what is in it may not be anyone else's. */
async function makeOwnDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
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

async function takeLock(path: string): Promise<DatabaseSync> {
  const file = join(path, names.lock);
  await makePrivateFile(file);
  const lock = new DatabaseSync(file);
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    if ((error as { errcode?: number }).errcode !== sqliteBusy) throw error;
    const owner = await readFile(join(path, names.owner), 'utf8').catch(() => '');
    const pid = /"pid":(\d+)/.exec(owner)?.[1] ?? 'unknown';
    throw new StoreError('EBUSY', `The cache directory ${path} is in use by process ${pid}.`);
  }
}
