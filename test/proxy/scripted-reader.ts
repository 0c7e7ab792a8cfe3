/** A reader of a film that gives what the test lets it give, and counts what is held of it. */
import type { Reader, Slice, Taken } from '../../src/cache/visit.ts';
import { StoreError } from '../../src/cache/visit.ts';
import type { Film } from '../support/film.ts';

/** Reads end at its multiples, as those of a fill do. */
const unit = 256 * 1024;

export class ScriptedReader {
  readonly #film: Film;
  readonly #arrived: Array<() => void> = [];
  #failed: Error | null = null;
  /** The next byte that it gives. */
  position = 0;
  /** How far there is something to give. */
  present: number;
  /** Bytes that were taken and not released. */
  held = 0;
  /** The most that was ever held. */
  mostHeld = 0;
  /** How often something was taken. */
  takes = 0;
  /** Offsets at which a read fails, once each. */
  readonly failures = new Set<number>();
  /** The most that one read gives, though more was promised. */
  shortTo = Number.POSITIVE_INFINITY;

  constructor(film: Film, present = film.size) {
    this.#film = film;
    this.present = present;
  }

  /** As `deliver` knows it. */
  get reader(): Reader {
    return this as unknown as Reader;
  }

  land(until: number): void {
    this.present = until;
    for (const wake of this.#arrived.splice(0)) wake();
  }

  /** Nothing more will land. */
  fail(error: Error): void {
    this.#failed = error;
    this.land(this.present);
  }

  take(): Taken | null {
    const start = this.position;
    const end = Math.min(this.present, start - (start % unit) + unit);
    if (end <= start) return null;
    this.takes += 1;
    this.position = end;
    return { start, end, source: 'store', slice: this.#read(start, end) };
  }

  async arrival(signal: AbortSignal): Promise<'bytes' | 'end'> {
    if (this.position === this.#film.size) return 'end';
    if (this.position < this.present) return 'bytes';
    if (this.#failed !== null) throw this.#failed;
    const arrived = new Promise<void>((resolve, reject) => {
      this.#arrived.push(resolve);
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    await arrived;
    return this.arrival(signal);
  }

  rewind(position: number): void {
    this.position = position;
  }

  async #read(start: number, end: number): Promise<Slice> {
    if (this.failures.delete(start)) throw new StoreError('failed', 'The disk failed.');
    const bytes = this.#film.bytesAt(start, Math.min(end, start + this.shortTo));
    this.held += bytes.length;
    this.mostHeld = Math.max(this.mostHeld, this.held);
    return {
      bytes,
      release: () => {
        this.held -= bytes.length;
      },
    };
  }
}
