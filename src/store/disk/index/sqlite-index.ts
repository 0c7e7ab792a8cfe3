/**
 * The manifest of the disk store: which blocks of which object are durable, and their checksums.
 *
 * One SQLite database in a worker thread. Calls are answered in the order in which they were made, each from one
 * transaction: a `find` after a `remove` does not find. Whoever saves a row has made its bytes durable before.
 */
import type { Worker } from 'node:worker_threads';
import { startOwnWorker } from '../../../own-files.ts';
import { untilAborted } from '../../../until-aborted.ts';
import { type ObjectName, type StoredObject, StoreError } from '../../store.ts';
import type { IndexedObject, IndexLayout, ObjectRow, UseRow } from './rows.ts';
import type { IndexAnswer, IndexCalls } from './sqlite-index-worker.ts';

interface Pending {
  resolve(value: unknown): void;
  reject(error: StoreError): void;
}

/** How many objects `list` brings over from the worker at once. */
const listLength = 500;

export class SqliteIndex {
  /** `null` once it has ended. */
  #worker: Worker | null = null;
  readonly #pending = new Map<number, Pending>();
  #calls = 0;
  /** Why it answers nothing now. */
  #failure: StoreError | null = new StoreError('EIO', 'The index is not open.');

  /** Told when its thread has ended although nobody has closed it. */
  onFailure: (failure: StoreError) => void = () => {};

  /** Begins the thread, which takes longer than to open a small database. */
  constructor() {
    this.#begin();
  }

  /**
   * Opens the database and tells what is in it, before anything else is asked; also one that has failed or was closed.
   * Rejects with `CORRUPT` where it can't be believed: damaged, or of another layout or an unknown schema. Then the
   * thread has ended.
   */
  async open(layout: IndexLayout): Promise<IndexedObject[]> {
    if (this.#worker === null) this.#begin();
    try {
      await this.#ask('open', layout);
      const objects = JSON.parse(await this.#ask('objects')) as IndexedObject[];
      this.#failure = null;
      return objects;
    } catch (error) {
      await this.discard();
      throw error;
    }
  }

  /** Ends the thread, where nothing was opened. */
  async discard(): Promise<void> {
    await this.#worker?.terminate();
  }

  /** Writes nothing, so that a full disk can be read. */
  find(name: ObjectName): Promise<ObjectRow | null> {
    return this.#call('find', name);
  }

  /** Writes the rows of all these objects and segments, or none; forgets other generations of their names. */
  save(objects: readonly ObjectRow[]): Promise<void> {
    return this.#call('save', objects);
  }

  /** Writes when these objects and segments were used last, of those that there are. */
  use(objects: readonly UseRow[]): Promise<void> {
    return this.#call('use', objects);
  }

  /** Forgets one generation, or whichever there is; returns the generation that is now forgotten, if any is. */
  remove(name: ObjectName, generation: string | null = null): Promise<string | null> {
    return this.#call('remove', name, generation);
  }

  async *list(signal: AbortSignal): AsyncGenerator<StoredObject> {
    for (let after = ''; ; ) {
      const objects = await untilAborted(this.#call('list', after, listLength), signal);
      yield* objects;
      const last = objects.at(-1);
      if (last === undefined || objects.length < listLength) return;
      after = last.name;
    }
  }

  /** Forgets segments of one generation of an object. */
  drop(name: ObjectName, generation: string, segments: readonly number[]): Promise<void> {
    return this.#call('drop', name, generation, segments);
  }

  /** Pins the object or lets it go; resolves when that is durable, with whether there is one. */
  pin(name: ObjectName, pinned: boolean): Promise<boolean> {
    return this.#call('pin', name, pinned);
  }

  /** Whether it answers no more. */
  get failed(): boolean {
    return this.#failure !== null;
  }

  async close(): Promise<void> {
    if (this.#failure !== null) return;
    const closed = this.#ask('close');
    this.#failure = new StoreError('EIO', 'The index is closed.');
    try {
      await closed;
    } finally {
      await this.#worker?.terminate();
    }
  }

  #begin(): void {
    const worker = startOwnWorker('store/disk/index/sqlite-index-worker');
    worker.unref();
    worker.on('message', (answer: IndexAnswer) => this.#settle(answer));
    worker.on('error', (error) => this.#fail(`The index stopped: ${error.message}`));
    worker.on('exit', () => {
      this.#worker = null;
      this.#fail('The thread of the index has ended.');
    });
    this.#worker = worker;
  }

  #call<M extends keyof IndexCalls>(method: M, ...given: Parameters<IndexCalls[M]>) {
    return this.#failure === null ? this.#ask(method, ...given) : Promise.reject(this.#failure);
  }

  #ask<M extends keyof IndexCalls>(method: M, ...given: Parameters<IndexCalls[M]>) {
    const number = this.#calls++;
    const { promise, resolve, reject } = Promise.withResolvers<ReturnType<IndexCalls[M]>>();
    this.#pending.set(number, { resolve: resolve as Pending['resolve'], reject });
    this.#worker?.ref();
    this.#worker?.postMessage({ number, method, given });
    return promise;
  }

  #settle(answer: IndexAnswer): void {
    const pending = this.#pending.get(answer.number);
    this.#pending.delete(answer.number);
    if (this.#pending.size === 0) this.#worker?.unref();
    if ('code' in answer) pending?.reject(new StoreError(answer.code, `The index failed: ${answer.message}.`));
    else pending?.resolve(answer.value);
  }

  #fail(message: string): void {
    const failure = new StoreError('EIO', message);
    for (const { reject } of this.#pending.values()) reject(failure);
    this.#pending.clear();
    if (this.#failure !== null) return;
    this.#failure = failure;
    this.onFailure(failure);
  }
}
