/**
 * The parent directories of the objects' own, one for each beginning of a name: each is made once, and entries that are
 * made at the same time are synced together.
 */
import { dirname } from 'node:path';
import type { SystemCalls } from '../../system-calls.ts';
import { never } from '../../until-aborted.ts';
import { makePrivateDirectory, syncDirectory } from './private-files.ts';
import { Semaphore } from './semaphore.ts';

export class ObjectDirectories {
  /** Those that are there, and whether their own entries are durable; a new one each time that one is made. */
  readonly #families = new Map<string, { isDurable: boolean }>();
  /** Those that are to be synced, and are not yet. */
  readonly #due = new Map<string, Promise<void>>();
  readonly #syncs = new Semaphore(1);
  readonly #openCached: SystemCalls['openCached'] | undefined;

  /** With `openCached`, directories whose paths the system knows are opened at once. */
  constructor(openCached?: SystemCalls['openCached']) {
    this.#openCached = openCached;
  }

  /** Makes the directory of an object, unless it is there. */
  async make(path: string): Promise<void> {
    const family = dirname(path);
    if (this.#families.has(family)) {
      try {
        return await makePrivateDirectory(path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
    await makePrivateDirectory(family);
    this.#families.set(family, { isDurable: false });
    await makePrivateDirectory(path);
  }

  /** Makes durable what was entered in the directory of an object, and where that is entered. */
  async sync(path: string): Promise<void> {
    const family = dirname(path);
    const entry = this.#families.get(family) ?? { isDurable: false };
    this.#families.set(family, entry);
    await this.#sync(path);
    await this.#sync(family);
    if (entry.isDurable) return;
    await this.#sync(dirname(family));
    entry.isDurable = true;
  }

  /** One for all who ask for it before it begins. */
  #sync(path: string): Promise<void> {
    const due = this.#due.get(path) ?? this.#syncInTurn(path);
    this.#due.set(path, due);
    return due;
  }

  async #syncInTurn(path: string): Promise<void> {
    const release = await this.#syncs.acquire(never);
    // Who asks from now on may have entered something since.
    this.#due.delete(path);
    try {
      await syncDirectory(path, this.#openCached);
    } finally {
      release();
    }
  }
}
