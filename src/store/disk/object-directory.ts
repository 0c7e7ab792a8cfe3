/**
 * The files of one object: `<objects>/<first two letters of the name>/<name>.<generation>/<segment number>`.
 *
 * Nothing is on disk before the first write, so that a new object costs no time.
 */
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { StoreError } from '../store.ts';
import type { ObjectFiles } from './disk-medium.ts';
import type { Run } from './gather-list.ts';
import { makePrivateDirectory, syncDirectory } from './private-files.ts';
import type { SegmentFiles } from './segment-files.ts';

/** What an object's directory is called. */
export function directoryName(name: string, generation: string): string {
  return `${name}.${generation}`;
}

/** Where it is, `objects` being the directory of all objects. */
export function directoryPath(objects: string, name: string, generation: string): string {
  return join(objects, name.slice(0, 2), directoryName(name, generation));
}

export class ObjectDirectory implements ObjectFiles {
  readonly #path: string;
  readonly #segmentSize: number;
  readonly #files: SegmentFiles;
  /** Segments whose files are open, or were. */
  readonly #touched = new Set<number>();
  /** Segments whose directory entry is durable. */
  readonly #entered = new Set<number>();
  #made: Promise<void> | null = null;

  constructor(path: string, segmentSize: number, files: SegmentFiles) {
    this.#path = path;
    this.#segmentSize = segmentSize;
    this.#files = files;
  }

  async write({ start, buffers }: Run): Promise<void> {
    this.#made ??= this.#make();
    try {
      await this.#made;
    } catch (error) {
      this.#made = null;
      throw error;
    }
    await this.#files.write(this.#fileAt(start), buffers, start % this.#segmentSize);
  }

  async read(buffer: Buffer, start: number): Promise<void> {
    const filled = await this.#files.read(this.#fileAt(start), buffer, start % this.#segmentSize);
    if (filled < buffer.length) throw new StoreError('CORRUPT', 'A segment file is shorter than it was.');
  }

  async sync(segment: number): Promise<number> {
    const real = await this.#files.sync(this.#pathOf(segment));
    if (!this.#entered.has(segment)) {
      await syncDirectory(this.#path);
      this.#entered.add(segment);
    }
    return real;
  }

  removeSegment(segment: number): Promise<void> {
    this.#entered.delete(segment);
    return this.#files.remove(this.#pathOf(segment));
  }

  reset(): void {
    this.#made = null;
    this.#entered.clear();
    void this.close();
  }

  async close(): Promise<void> {
    for (const segment of this.#touched) await this.#files.forget(this.#pathOf(segment));
  }

  async remove(): Promise<void> {
    await this.close();
    await rm(this.#path, { recursive: true, force: true });
  }

  /** The file that holds the byte at `offset`. */
  #fileAt(offset: number): string {
    const segment = Math.floor(offset / this.#segmentSize);
    this.#touched.add(segment);
    return this.#pathOf(segment);
  }

  #pathOf(segment: number): string {
    return join(this.#path, String(segment));
  }

  async #make(): Promise<void> {
    const family = dirname(this.#path);
    if (await makePrivateDirectory(family)) await syncDirectory(dirname(family));
    if (await makePrivateDirectory(this.#path)) await syncDirectory(family);
  }
}
