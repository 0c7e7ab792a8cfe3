/** A reader of a film that gives what the test lets it give, and counts what is held of it. */
import type { FilePart, SessionReader, Slice, Taken } from '../../src/cache/read-session.ts';
import { StoreError } from '../../src/cache/read-session.ts';
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
  /** Bytes that were taken, and neither released nor ceded. */
  held = 0;
  /** Bytes that were ceded and not released. */
  ceded = 0;
  /** The most that was ever held. */
  mostHeld = 0;
  /** How often something was taken. */
  takes = 0;
  /** Under which each was taken. */
  readonly signals: AbortSignal[] = [];
  /** Offsets at which a read fails, once each. */
  readonly failures = new Set<number>();
  /** Whether there is no memory to read into. */
  starves = false;
  /** Of a file with the film; `null` for none. */
  descriptor: number | null = null;
  /** The most that one read gives, though more was promised. */
  shortTo = Number.POSITIVE_INFINITY;

  constructor(film: Film, present = film.size) {
    this.#film = film;
    this.present = present;
  }

  /** As the sender knows it. */
  get reader(): SessionReader {
    return this as unknown as SessionReader;
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

  take(signal: AbortSignal): Taken | null {
    const start = this.position;
    const end = Math.min(this.present, start - (start % unit) + unit);
    if (end <= start) return null;
    this.takes += 1;
    this.signals.push(signal);
    this.position = end;
    return { start, end, source: 'store', slice: this.#read(start, end, signal) };
  }

  leave(): void {}

  takeAhead(signal: AbortSignal): Taken | null {
    return this.take(signal);
  }

  useFile(most: number, use: (part: FilePart) => number): number | null {
    const length = Math.min(this.present - this.position, most);
    if (this.descriptor === null || length === 0) return null;
    const used = use({ descriptor: this.descriptor, offset: this.position, length });
    this.position += used;
    return used;
  }

  async arrival(signal: AbortSignal): Promise<'bytes' | 'end'> {
    if (signal.aborted) throw signal.reason;
    if (this.position === this.#film.size) return 'end';
    if (this.position < this.present) return 'bytes';
    if (this.#failed !== null) throw this.#failed;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = () => reject(signal.reason);
    this.#arrived.push(resolve);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
    return this.arrival(signal);
  }

  rewind(position: number): void {
    this.position = position;
  }

  /** Memory that is released is written over at once, as others would. */
  async #read(start: number, end: number, signal: AbortSignal): Promise<Slice> {
    if (this.failures.delete(start)) throw new StoreError('failed', 'The disk failed.');
    if (this.starves) await starve(signal);
    const bytes = this.#film.bytesAt(start, Math.min(end, start + this.shortTo));
    let state: 'held' | 'ceded' | 'released' = 'held';
    this.held += bytes.length;
    this.mostHeld = Math.max(this.mostHeld, this.held);
    const leave = (next: typeof state) => {
      if (state === 'held') this.held -= bytes.length;
      else this.ceded -= bytes.length;
      if (next === 'ceded') this.ceded += bytes.length;
      state = next;
    };
    return {
      bytes,
      release: () => {
        if (state === 'released') return;
        leave('released');
        bytes.fill(0xee);
      },
      cede: () => {
        if (state === 'held') leave('ceded');
      },
    };
  }
}

/** Memory does not come before the signal ends the wait for it. */
function starve(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new StoreError('ENOBUFS', 'No memory came free.')), { once: true });
  });
}
