/**
 * The open segment files of the store: positional reads and writes by path, with a bounded number of descriptors.
 *
 * At most two writes and one sync run at a time over the whole store, because libuv gives all file work of the
 * process four threads, and a slow disk must not keep readers waiting for one. The least recently used idle file is
 * closed first; the bound is passed only while that many files are being used at the same moment. What nobody has used
 * for half a minute is closed: so the room of what others delete comes free.
 */
import { closeSync, constants, fdatasync, fstatSync, read, writev } from 'node:fs';
import { type FileHandle, unlink } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Clock, Timer } from '../../clock.ts';
import type { SystemCalls } from '../../system-calls.ts';
import { StoreError } from '../store.ts';
import { openPrivateFile, openPrivateFileNow } from './private-files.ts';
import { Semaphore } from './semaphore.ts';

const readAt = promisify(read);
const writeAt = promisify(writev);
const syncContent = promisify(fdatasync);

/** What `st_blocks` counts, in bytes. */
export const statBlock = 512;

type Access = 'read' | 'write';
const { O_CREAT, O_RDONLY, O_RDWR } = constants;

interface OpenFile {
  readonly file: Promise<Pick<FileHandle, 'fd' | 'close'>>;
  /** `null` until it is open. */
  descriptor: number | null;
  users: number;
  /** Whether it was used since unused files were closed last. */
  isUsed: boolean;
}

/** What has not been used twice as long is closed. */
const lookEveryMs = 15_000;

export class SegmentFiles {
  readonly #limit: number;
  readonly #clock: Clock;
  readonly #openCached: SystemCalls['openCached'] | null;
  /** Least recently used first; one opened for writing serves reads as well. */
  readonly #open: Record<Access, Map<string, OpenFile>> = { read: new Map(), write: new Map() };
  /** Files that are being unlinked: a new one of the same path waits. */
  readonly #removals = new Map<string, Promise<void>>();
  readonly #writes = new Semaphore(2);
  readonly #syncs = new Semaphore(1);
  #inUse = 0;
  /** One for all files. */
  #nextLook: Timer | null = null;

  /** With `openCached`, files whose paths the system knows are opened at once where their descriptor is asked for. */
  constructor(limit: number, clock: Clock, openCached: SystemCalls['openCached'] | null = null) {
    this.#limit = limit;
    this.#clock = clock;
    this.#openCached = openCached;
  }

  /** Whether files can be opened without a thread. */
  get opensNow(): boolean {
    return this.#openCached !== null;
  }

  /** How many reads, writes and syncs have a file now. */
  get inUse(): number {
    return this.#inUse;
  }

  /** Fills `buffer` from `position` on, and returns how many bytes there were before the end of the file. */
  read(path: string, buffer: Buffer, position: number): Promise<number> {
    return this.#use(path, this.#accessTo(path), O_RDONLY, async (descriptor) => {
      let filled = 0;
      while (filled < buffer.length) {
        const { bytesRead } = await readAt(descriptor, buffer, filled, buffer.length - filled, position + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return filled;
    });
  }

  /** The descriptor of a file, until anything else runs; `null` where it is not open, and can't be opened at once. */
  descriptorOf(path: string): number | null {
    const access = this.#accessTo(path);
    const open = this.#open[access].get(path) ?? this.#openNow(path);
    if (open === null || open.descriptor === null) return null;
    this.#keep(path, access, open);
    return open.descriptor;
  }

  /**
   * Writes all of `buffers`, one after another from `position` on. Where there is no file, creates it; or rejects with
   * `ENOENT`, where bytes must be there already (`isThere`): in a new file they would be read as zeros.
   */
  write(path: string, buffers: readonly Buffer[], position: number, isThere = false): Promise<void> {
    const flags = isThere ? O_RDWR : O_RDWR | O_CREAT;
    return this.#writes.run(() =>
      this.#use(path, 'write', flags, async (descriptor) => {
        let rest = buffers;
        let end = position;
        while (rest.length > 0) {
          const { bytesWritten } = await writeAt(descriptor, rest, end);
          if (bytesWritten === 0) throw new StoreError('EIO', 'The system writes nothing more to a segment file.');
          end += bytesWritten;
          rest = without(rest, bytesWritten);
        }
      }),
    );
  }

  /**
   * Makes the content of the file durable, and tells the real bytes that it takes (`measured`), in the moment in which it
   * does; no other file is synced meanwhile. Rejects with `ENOENT` where it is not there: it is never made here, for who waits for its turn may find
   * it unlinked.
   */
  sync(path: string, measured: (real: number) => void): Promise<void> {
    return this.#syncs.run(() =>
      this.#use(path, this.#accessTo(path), O_RDONLY, async (descriptor) => {
        await syncContent(descriptor);
        const { blocks, nlink } = fstatSync(descriptor);
        if (nlink === 0) throw new StoreError('ENOENT', 'A segment file was removed by somebody else.');
        measured(blocks * statBlock);
      }),
    );
  }

  /** Unlinks the file, if it is there, once `before` has ended; whoever reads it reads on. */
  async remove(path: string, before?: Promise<void>): Promise<void> {
    const removal = this.#unlink(path, [this.#removals.get(path), before]);
    this.#removals.set(path, removal);
    try {
      await removal;
    } finally {
      if (this.#removals.get(path) === removal) this.#removals.delete(path);
    }
  }

  /** Closes the file as soon as nobody uses it. */
  async forget(path: string): Promise<void> {
    await Promise.all([this.#retire('read', path), this.#retire('write', path)]);
  }

  /** Closes every file. Nobody may be using one. */
  async close(): Promise<void> {
    this.#nextLook?.cancel();
    for (const files of Object.values(this.#open)) {
      for (const open of files.values()) await close(open);
      files.clear();
    }
  }

  /** To a file that is to be there. */
  #accessTo(path: string): Access {
    return this.#open.write.has(path) ? 'write' : 'read';
  }

  /** `flags` are for a file that is not open yet. */
  async #use<Result>(
    path: string,
    access: Access,
    flags: number,
    work: (descriptor: number) => Promise<Result>,
  ): Promise<Result> {
    const files = this.#open[access];
    const open = files.get(path) ?? this.#openFile(path, access, flags);
    this.#keep(path, access, open);
    open.users += 1;
    this.#inUse += 1;
    try {
      const file = await open.file;
      return await work(file.fd);
    } finally {
      open.users -= 1;
      this.#inUse -= 1;
      if (open.users === 0 && files.get(path) !== open) await close(open);
    }
  }

  /** It was used last. */
  #keep(path: string, access: Access, open: OpenFile): void {
    open.isUsed = true;
    this.#open[access].delete(path);
    this.#open[access].set(path, open);
    this.#nextLook ??= this.#clock.after(lookEveryMs, () => this.#closeUnused());
  }

  #closeUnused(): void {
    this.#nextLook = null;
    for (const files of Object.values(this.#open)) {
      for (const [path, open] of files) {
        if (open.users === 0 && !open.isUsed) {
          files.delete(path);
          void close(open);
        }
        open.isUsed = false;
      }
      if (files.size > 0) this.#nextLook ??= this.#clock.after(lookEveryMs, () => this.#closeUnused());
    }
  }

  async #unlink(path: string, before: readonly (Promise<void> | undefined)[]): Promise<void> {
    // Taken out of the table at once: what is opened from now on is another file.
    const forgotten = this.forget(path);
    await Promise.allSettled(before);
    await forgotten;
    try {
      await unlink(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }

  #openFile(path: string, access: Access, flags: number): OpenFile {
    this.#closeIdle();
    // What is written may go to a copy, which is what is read from then on.
    if (access === 'write') void this.#retire('read', path);
    const removal = this.#removals.get(path);
    const opening = () => openPrivateFile(path, flags);
    const file = removal === undefined ? opening() : removal.then(opening, opening);
    const open: OpenFile = { file, descriptor: null, users: 0, isUsed: true };
    file.then(
      ({ fd }) => {
        open.descriptor = fd;
      },
      () => {
        if (this.#open[access].get(path) === open) this.#open[access].delete(path);
      },
    );
    return open;
  }

  /** For reading; `null` where its path would have to be read from the disk, or where it is being unlinked. */
  #openNow(path: string): OpenFile | null {
    if (this.#openCached === null || this.#removals.has(path)) return null;
    const descriptor = openPrivateFileNow(path, this.#openCached);
    if (descriptor === null) return null;
    this.#closeIdle();
    // What was opened without a thread is closed without one: it was read only, so that nothing is left to be written.
    const file = { fd: descriptor, close: async () => closeSync(descriptor) };
    return { file: Promise.resolve(file), descriptor, users: 0, isUsed: true };
  }

  /** Who uses it closes it. */
  async #retire(access: Access, path: string): Promise<void> {
    const open = this.#open[access].get(path);
    this.#open[access].delete(path);
    if (open?.users === 0) await close(open);
  }

  #closeIdle(): void {
    for (const files of Object.values(this.#open)) {
      for (const [path, open] of files) {
        if (this.#open.read.size + this.#open.write.size < this.#limit) return;
        if (open.users > 0) continue;
        files.delete(path);
        void close(open);
      }
    }
  }
}

/** Never rejects: the descriptor is free whatever the system says, and what it could not write fails again when it is synced. */
async function close({ file }: OpenFile): Promise<void> {
  await file.then((opened) => opened.close()).catch(() => {});
}

/** What is left of `buffers` without their first `count` bytes. */
function without(buffers: readonly Buffer[], count: number): Buffer[] {
  let skip = count;
  return buffers.flatMap((buffer) => {
    const skipped = Math.min(skip, buffer.length);
    skip -= skipped;
    return skipped === buffer.length ? [] : [buffer.subarray(skipped)];
  });
}
