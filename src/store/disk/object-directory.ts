/**
 * The files of one object: a directory with one for each segment, whose name is the segment's number.
 *
 * Nothing is on disk before the first write, so that a new object costs no time.
 */
import { sep } from 'node:path';
import { type FilePart, StoreError } from '../store.ts';
import type { ObjectDirectories } from './object-directories.ts';
import type { SegmentFiles } from './segment-files.ts';
import type { Run } from './write-buffer.ts';

/** The files of one object. Every promise may reject with a system's error. */
export interface ObjectFiles {
  /** Makes the file of the segment; where it must be there already (`isThere`), rejects with `ENOENT` instead. */
  write(run: Run, isThere: boolean): Promise<void>;
  /** Fills `buffer` from offset `start` on, within one segment; rejects with `CORRUPT` where the file is too short. */
  read(buffer: Buffer, start: number): Promise<void>;
  /** Where the byte at `start` lies, until anything else runs; `null` where its file is not open. */
  fileAt(start: number): Omit<FilePart, 'length'> | null;
  /**
   * Makes everything written to the segment survive a power cut; tells on the way the real bytes that its file takes
   * (`measured`), in the moment in which it does: more may be written before this ends.
   */
  sync(segment: number, measured: (real: number) => void): Promise<void>;
  /** Unlinks the file of the segment, once `before` has ended; reads that have begun go on. */
  removeSegment(segment: number, before?: Promise<void>): Promise<void>;
  /** The files are gone, which are those of these segments: none stays open, and each is made again when it is written to. */
  reset(segments: Iterable<number>): void;
}

/** The path of a segment's file in the directory of its object. */
export function segmentPath(directory: string, segment: number): string {
  return `${directory}${sep}${segment}`;
}

export class ObjectDirectory implements ObjectFiles {
  readonly #path: string;
  readonly #segmentSize: number;
  readonly #files: SegmentFiles;
  readonly #directories: ObjectDirectories;
  /** Segments whose directory entry is durable. */
  readonly #entered = new Set<number>();
  /** Of the segment that was used last. */
  #lastPath: { readonly segment: number; readonly path: string } | null = null;
  #made: Promise<void> | null = null;

  constructor(path: string, segmentSize: number, files: SegmentFiles, directories: ObjectDirectories) {
    this.#path = path;
    this.#segmentSize = segmentSize;
    this.#files = files;
    this.#directories = directories;
  }

  async write({ start, buffers }: Run, isThere: boolean): Promise<void> {
    this.#made ??= this.#directories.make(this.#path);
    try {
      await this.#made;
    } catch (error) {
      this.#made = null;
      throw error;
    }
    await this.#files.write(this.#pathAt(start), buffers, start % this.#segmentSize, isThere);
  }

  async read(buffer: Buffer, start: number): Promise<void> {
    const filled = await this.#files.read(this.#pathAt(start), buffer, start % this.#segmentSize);
    if (filled < buffer.length) throw new StoreError('CORRUPT', 'A segment file is shorter than it was.');
  }

  fileAt(start: number): Omit<FilePart, 'length'> | null {
    const descriptor = this.#files.descriptorOf(this.#pathAt(start));
    return descriptor === null ? null : { descriptor, offset: start % this.#segmentSize };
  }

  async sync(segment: number, measured: (real: number) => void): Promise<void> {
    await this.#files.sync(this.#pathOf(segment), measured);
    if (this.#entered.has(segment)) return;
    // After the content: most file systems have written these with it.
    await this.#directories.sync(this.#path);
    this.#entered.add(segment);
  }

  removeSegment(segment: number, before?: Promise<void>): Promise<void> {
    this.#entered.delete(segment);
    return this.#files.remove(this.#pathOf(segment), before);
  }

  reset(segments: Iterable<number>): void {
    this.#made = null;
    this.#entered.clear();
    for (const segment of segments) void this.#files.forget(this.#pathOf(segment));
  }

  /** The path of the file that holds the byte at `offset`. */
  #pathAt(offset: number): string {
    return this.#pathOf(Math.floor(offset / this.#segmentSize));
  }

  #pathOf(segment: number): string {
    if (this.#lastPath?.segment !== segment) this.#lastPath = { segment, path: segmentPath(this.#path, segment) };
    return this.#lastPath.path;
  }
}
