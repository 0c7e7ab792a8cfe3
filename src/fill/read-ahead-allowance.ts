/**
 * How much may be fetched for one client that it has not read: what all its readers share.
 *
 * Each reader counts what came into its window while it was there, until it takes it or leaves. A reader may have ahead
 * of it what the others leave over, and never less than it needs to play on; so those that are paused hold a playing one
 * back at most, and a client that opens many films and reads none has no more fetched than the limit.
 */
import type { ByteRange } from '../bytes/byte-range.ts';
import { RangeSet } from '../bytes/range-set.ts';
import { readUnit } from './read-unit.ts';

/** What a reader may have whatever the others hold: one read; and where it plays, a few seconds of film. */
const least = { scan: readUnit, play: 4 * 1024 * 1024 };

/** Taken bytes that may come back, because they were read for a client that then took nothing more. */
const returnable = 1024 * 1024;

export class ReadAheadAllowance {
  readonly #limit: number;
  readonly #onHeldBack: () => void;
  #unread = 0;

  /** `limit` in bytes; `onHeldBack` is called once for each reader that gets less than its window for it. */
  constructor(limit: number, onHeldBack: () => void = () => {}) {
    this.#limit = limit;
    this.#onHeldBack = onHeldBack;
  }

  /** Bytes that were fetched for the client's readers and not taken by them. */
  get unread(): number {
    return this.#unread;
  }

  /** The part of one more reader. */
  share(): ReadAheadShare {
    return new ReadAheadShare({
      changed: (bytes) => {
        this.#unread += bytes;
      },
      leftBeside: (own) => this.#limit - (this.#unread - own),
      heldBack: this.#onHeldBack,
    });
  }
}

interface ShareHost {
  changed(bytes: number): void;
  leftBeside(own: number): number;
  heldBack(): void;
}

export class ReadAheadShare {
  readonly #host: ShareHost;
  /** Fetched and not taken; and taken of late. */
  readonly #ahead = new RangeSet();
  readonly #taken = new RangeSet();
  #told = false;

  constructor(host: ShareHost) {
    this.#host = host;
  }

  /** How much of the `wanted` bytes ahead of it the reader may have. */
  grant(wanted: number, plays: boolean): number {
    const left = this.#host.leftBeside(this.#ahead.size);
    const granted = Math.min(wanted, Math.max(left, plays ? least.play : least.scan));
    if (granted < wanted && !this.#told) {
      this.#told = true;
      this.#host.heldBack();
    }
    return granted;
  }

  /** Bytes ahead of the reader came in. */
  received(range: ByteRange): void {
    this.#change(() => this.#ahead.add(range));
  }

  /** The reader has taken these. */
  took(range: ByteRange): void {
    if (this.#ahead.size === 0) return;
    for (const run of this.#ahead.within(range)) {
      this.#change(() => this.#ahead.remove(run));
      this.#taken.add(run);
    }
    this.#taken.remove({ start: 0, end: range.start - returnable });
  }

  /** The reader did not get these after all. */
  gaveBack(range: ByteRange): void {
    for (const run of this.#taken.within(range)) {
      this.#taken.remove(run);
      this.received(run);
    }
  }

  /** The reader wants none of it any more. */
  end(): void {
    const all = { start: 0, end: Number.POSITIVE_INFINITY };
    if (this.#ahead.size > 0) this.#change(() => this.#ahead.remove(all));
    this.#taken.remove(all);
  }

  #change(change: () => void): void {
    const before = this.#ahead.size;
    change();
    this.#host.changed(this.#ahead.size - before);
  }
}
