/**
 * Which bytes of one fill are present, and where they are written to and read from.
 *
 * That is an object of the store; or, where nothing may be stored, bounded memory for those who read along (`bypass.ts`).
 * Where the store does not take them now, the bytes go past it in the same way: each write asks it again. So trouble with
 * the store never stops playback, and is over as soon as the store is well.
 */
import type { ByteRange } from '../bytes/byte-range.ts';
import { RangeSet } from '../bytes/range-set.ts';
import type { ByteSource } from '../events.ts';
import type { Representation } from '../http/representation.ts';
import { type FilePart, ownedSlice, type Slice, StoreError, type StoreObject } from '../store/store.ts';
import { Bypass } from './bypass.ts';
import { readUnit } from './read-unit.ts';

/** Bytes on their way to one reader. */
export interface Taken extends ByteRange {
  readonly source: ByteSource;
  /** May turn out shorter than the range; see `Reader.rewind`. */
  readonly slice: Slice | Promise<Slice>;
}

/** Whether a reader has had nothing yet, has had all before these bytes, or has still to take some of it. */
export type Need = 'first' | 'next' | 'ahead';

/** Where nothing is stored, this much is read ahead, and twice as much is kept. */
const bypassWindow = 1024 * 1024;

export class Presence {
  readonly present: RangeSet;
  #object: StoreObject | null;
  /** Where it has been let go of: it is asked for nothing more but bytes, by who reads still. */
  #closing: Promise<void> | null = null;
  #bypass: Bypass | null = null;
  /** Whether the latest bytes went past the store. */
  #past = false;
  #playheads: readonly number[] = [];
  /** Asked for with every reply, where it is asked for at all. */
  #beginning: Buffer | null = null;
  /** Whether what comes may be stored. */
  #isStored = true;
  readonly #onLost: () => void;

  /** `object` is what the store had; `onLost` is called when present bytes are gone. */
  constructor(object: StoreObject | null, onLost: () => void = () => {}) {
    this.#object = object;
    this.#onLost = onLost;
    this.present = RangeSet.from(object?.durable ?? []);
  }

  /** Whether bytes go past the store. */
  get passing(): boolean {
    return this.#past;
  }

  /** How far ahead of a reader bytes are kept. */
  get ahead(): number {
    return this.#past ? bypassWindow : (this.#object?.ahead ?? Number.POSITIVE_INFINITY);
  }

  /** Where somebody left it last; `null` where nobody did, or where the store keeps no such thing. */
  get place(): number | null {
    return this.#object?.place ?? null;
  }

  leaveAt(place: number): void {
    this.#open?.leaveAt?.(place);
  }

  /** What of it survives a power cut. */
  get durable(): readonly ByteRange[] {
    return this.#object?.durable ?? [];
  }

  /** From now on bytes are written to `object`; `null`: past the store. */
  writeTo(object: StoreObject | null): void {
    if (object === null) {
      this.#isStored = false;
      this.#past = true;
    } else {
      this.#object = object;
      object.attend?.(this.#playheads);
    }
  }

  /** Takes a copy of what is missing of `bytes`; a promise means: wait before you write more. It never rejects. */
  write(offset: number, bytes: Buffer): Promise<void> | undefined {
    const received = { start: offset, end: offset + bytes.length };
    let pressure: Promise<void> | undefined;
    for (let gap = this.present.firstGap(received); gap !== null; gap = this.present.firstGap(received)) {
      pressure = this.#writeMissing(gap.start, bytes.subarray(gap.start - offset, gap.end - offset)) ?? pressure;
    }
    return pressure;
  }

  /**
   * The first present bytes at `start`, up to `end` at most; `null` where there are none, or where they are needed later
   * only and others may need the memory for them more. `signal` ends a wait for the store.
   */
  take(start: number, end: number, signal: AbortSignal, need: Need = 'next'): Taken | null {
    const unitEnd = start - (start % readUnit) + readUnit;
    const range = { start, end: Math.min(end, this.present.runEnd(start), unitEnd) };
    if (range.end <= start) return null;
    const bypassed = this.#bypass?.read(range);
    if (bypassed) return { start, end: start + bypassed.length, source: 'pass-through', slice: ownedSlice(bypassed) };
    if (this.#object === null) return null;
    const object = this.#object;
    const slice =
      need === 'ahead' && object.readAhead !== undefined
        ? object.readAhead(range, signal)
        : object.read(range, signal, need === 'first');
    if (slice === null) return null;
    if (slice instanceof Promise) return { ...range, source: 'store', slice };
    return { start, end: start + slice.bytes.length, source: 'memory', slice };
  }

  /** Calls `use` with the file that holds present bytes at `start`, up to `end` at most; see `StoreObject.useFile`. */
  useFile(start: number, end: number, use: (part: FilePart) => number): number | null {
    const range = { start, end: Math.min(end, this.present.runEnd(start)) };
    if (range.end <= start || this.#bypass?.read(range)) return null;
    return this.#object?.useFile?.(range, use) ?? null;
  }

  /** The first `length` bytes of all, or all that there are; `null` where they are not present. */
  async beginning(length: number, signal: AbortSignal): Promise<Buffer | null> {
    this.#beginning ??= await this.copy({ start: 0, end: length }, signal);
    return this.#beginning;
  }

  /** A copy of all the bytes of `range`; `null` where one is not present, or can't be read. */
  async copy({ start, end }: ByteRange, signal: AbortSignal): Promise<Buffer | null> {
    const copy = Buffer.allocUnsafe(end - start);
    for (let at = start; at < end; ) {
      const slice = await this.#slice(at, end, signal);
      if (slice === null) return null;
      at += slice.bytes.copy(copy, at - start);
      slice.release();
    }
    return copy;
  }

  /** Whether all of `bytes` are present and the same, or some differ; those that can't be read prove nothing. */
  async compare(offset: number, bytes: Buffer, signal: AbortSignal): Promise<'same' | 'other' | 'unknown'> {
    const end = offset + bytes.length;
    let isWhole = true;
    for (let start = offset; start < end; ) {
      const slice = await this.#slice(start, end, signal);
      if (slice === null) {
        isWhole = false;
        start = this.present.nextStart(this.present.runEnd(start)) ?? end;
        continue;
      }
      try {
        const { length } = slice.bytes;
        if (!slice.bytes.equals(bytes.subarray(start - offset, start - offset + length))) return 'other';
        start += length;
      } finally {
        slice.release();
      }
    }
    return isWhole ? 'same' : 'unknown';
  }

  /** The first bytes from `start` on; `null` where they are not present, or can't be read. */
  async #slice(start: number, end: number, signal: AbortSignal): Promise<Slice | null> {
    try {
      return (await this.take(start, end, signal)?.slice) ?? null;
    } catch (error) {
      if (error instanceof StoreError) return null;
      throw error;
    }
  }

  /** The store says that they can't be read any more. */
  lose(range: ByteRange): void {
    this.present.remove(range);
    for (const gone of this.#bypass?.forget(range) ?? []) this.present.remove(gone);
    this.#onLost();
  }

  /** Where they are read now. */
  attend(playheads: readonly number[]): void {
    if (playheads.length === 0 && this.#playheads.length === 0) return;
    this.#playheads = playheads;
    this.#open?.attend?.(playheads);
  }

  describe(representation: Representation): void {
    this.#open?.describe(representation);
  }

  /** Makes durable what can be; never rejects. */
  async commit(): Promise<void> {
    return this.#open?.commit().catch(unlessOfStore);
  }

  async close(): Promise<void> {
    this.#closing ??= this.#object?.close().catch(unlessOfStore) ?? Promise.resolve();
    return this.#closing;
  }

  get #open(): StoreObject | null {
    return this.#closing === null ? this.#object : null;
  }

  #writeMissing(offset: number, bytes: Buffer): Promise<void> | undefined {
    const range = { start: offset, end: offset + bytes.length };
    const object = this.#open;
    if (object !== null && this.#isStored) {
      try {
        const kept = object.copies === true ? bytes : Buffer.from(bytes);
        const pressure = object.write(offset, kept)?.catch(unlessOfStore);
        this.#past = false;
        this.present.add(range);
        return pressure;
      } catch (error) {
        unlessOfStore(error);
      }
    }
    this.#past = true;
    this.#bypass ??= new Bypass(2 * bypassWindow);
    const gone = this.#bypass.write(offset, Buffer.from(bytes));
    this.present.add(range);
    for (const old of gone) this.present.remove(old);
    return undefined;
  }
}

/** The store tells its trouble itself. */
function unlessOfStore(error: unknown): void {
  if (!(error instanceof StoreError)) throw error;
}
