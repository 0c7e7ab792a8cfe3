/**
 * One client's position in one representation.
 *
 * A reader waits (`representation`, `arrival`), takes what is there (`take`), and leaves. Where it stands decides what
 * its fill brings in: the byte that it waits for first, then what lies ahead of it.
 */
import type { ByteRange } from '../bytes/byte-range.ts';
import type { Clock } from '../clock.ts';
import type { ByteSource } from '../events.ts';
import type { Representation } from '../http/representation.ts';
import type { Slice } from '../store/store.ts';
import type { Cursor } from './cursor.ts';
import type { FillFailed } from './failure.ts';
import { ReadAheadAllowance, type ReadAheadShare } from './read-ahead-allowance.ts';
import { Pace, playedAfter } from './read-ahead-window.ts';
import { Speed } from './speed.ts';

/** Bytes on their way to one reader. */
export interface Taken extends ByteRange {
  readonly source: ByteSource;
  /** May turn out shorter than the range; see `Reader.rewind`. */
  readonly slice: Slice | Promise<Slice>;
}

/** What a reader needs of its fill. */
export interface ReaderHost {
  take(reader: Reader, signal: AbortSignal, ahead: boolean): Taken | null;
  arrival(reader: Reader, signal: AbortSignal): Promise<'bytes' | 'end'>;
  representation(reader: Reader, signal: AbortSignal): Promise<Representation>;
  moved(reader: Reader): void;
  leave(reader: Reader): void;
}

/** What a reader waits for is owed by a cursor. */
export interface Claim {
  readonly cursor: Cursor;
  /** Since when, in monotonic milliseconds: the reader's own budget counts from here. */
  readonly since: number;
  /** What the cursor had spent in the queue by then. */
  readonly queuedBefore: number;
}

export class Reader {
  readonly #host: ReaderHost;
  /** The next byte that it will take. */
  position: number;
  /** Where it will stop; `null` for the end of the representation. */
  end: number | null;
  /** Bytes that it has taken one after the other. */
  sequence = 0;
  readonly pace = new Pace();
  /** Since when it waits, in monotonic milliseconds; `null` while it does not. */
  waitingSince: number | null = null;
  /** Whether it has taken a byte. */
  begun = false;
  /** Who owes it the byte that it waits for. */
  claim: Claim | null = null;
  /** Why that byte will not come. */
  failed: FillFailed | null = null;
  /** Whether it ever had to wait. */
  waited = false;
  /** Its place in units of planning, so that not every step is looked at. */
  step = -1;
  /** How fast it takes bytes. */
  readonly speed: Speed;
  /** Its part of what may be fetched for its client. */
  readonly share: ReadAheadShare;

  constructor(
    host: ReaderHost,
    position: number,
    end: number | null,
    clock: Clock,
    allowance = new ReadAheadAllowance(Number.POSITIVE_INFINITY),
  ) {
    this.#host = host;
    this.share = allowance.share();
    this.speed = new Speed(clock);
    this.position = position;
    this.end = end;
  }

  /** Whether it is no scan: somebody watches. */
  get plays(): boolean {
    return this.sequence >= playedAfter;
  }

  /** Resolves as soon as the representation is known. Rejects with `FillFailed` or the signal's reason. */
  representation(signal: AbortSignal): Promise<Representation> {
    return this.#host.representation(this, signal);
  }

  /** Resolves as soon as there is something to take, or nothing more. Rejects with `FillFailed` or the signal's reason. */
  arrival(signal: AbortSignal): Promise<'bytes' | 'end'> {
    return this.#host.arrival(this, signal);
  }

  /** The next bytes, if they are present; the reader moves on past them. `signal` ends a wait for the store. */
  take(signal: AbortSignal): Taken | null {
    return this.#take(signal, false);
  }

  /** The same, where those before them are not out yet: none where others may need the memory for them more. */
  takeAhead(signal: AbortSignal): Taken | null {
    return this.#take(signal, true);
  }

  #take(signal: AbortSignal, ahead: boolean): Taken | null {
    const taken = this.#host.take(this, signal, ahead);
    if (taken !== null) {
      this.begun = true;
      this.position = taken.end;
      this.share.took(taken);
      this.sequence += taken.end - taken.start;
      this.speed.add(taken.end - taken.start);
      this.#host.moved(this);
    }
    return taken;
  }

  /** Turns to another range; what was taken before stays with the caller. */
  aim(range: { start: number; end: number | null }): void {
    if (range.start !== this.position) {
      this.claim = null;
      this.sequence = 0;
      this.share.end();
    }
    this.position = range.start;
    this.end = range.end;
    this.failed = null;
    this.#host.moved(this);
  }

  /** Goes back, because what had been taken from `position` on did not come. */
  rewind(position: number): void {
    this.sequence = Math.max(0, this.sequence - (this.position - position));
    this.share.gaveBack({ start: position, end: this.position });
    this.position = position;
    this.#host.moved(this);
  }

  /** Nothing more will be asked. Harmless when repeated. */
  leave(): void {
    this.share.end();
    this.#host.leave(this);
  }
}
