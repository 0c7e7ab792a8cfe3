/**
 * What the readers of one fill want: which bytes, from which cursor, and until when.
 */
import type { ByteRange } from '../bytes/byte-range.ts';
import type { Clock } from '../clock.ts';
import type { Cursor } from './cursor.ts';
import { type ReaderSight, wholeUnits } from './cursor-plan.ts';
import type { FillPolicy } from './fill-policy.ts';
import { type Budget, type Debt, deadlineOf } from './first-byte.ts';
import { readUnit } from './landed-bytes.ts';
import { readAheadWindow } from './read-ahead-window.ts';
import type { Reader } from './reader.ts';

const nobody: Debt = { queued: false, queuedFor: 0, progressAt: null };

export class Demand {
  readonly #clock: Clock;
  readonly #policy: FillPolicy;
  readonly readers = new Set<Reader>();

  constructor(clock: Clock, policy: FillPolicy) {
    this.#clock = clock;
    this.#policy = policy;
  }

  /** The readers that wait for a byte of this cursor. */
  *waitingFor(cursor: Cursor): Generator<Reader> {
    for (const reader of this.readers) {
      if (reader.waitingSince !== null && reader.claim?.cursor === cursor) yield reader;
    }
  }

  isWaitedFor(cursor: Cursor): boolean {
    return !this.waitingFor(cursor).next().done;
  }

  /** Whether a reader waits for this cursor, or stands so close behind it that it will in a moment. */
  isPressed({ position }: Cursor): boolean {
    for (const reader of this.readers) {
      if (reader.position <= position && position - reader.position <= readUnit) return true;
    }
    return false;
  }

  /** No window is wider than `widest`, in bytes. */
  *sights(widest: number): Generator<ReaderSight<Cursor>> {
    for (const reader of this.readers) yield this.sightOf(reader, widest);
  }

  sightOf(reader: Reader, widest: number): ReaderSight<Cursor> {
    const bound = reader.end === null ? Number.POSITIVE_INFINITY : wholeUnits(reader.end);
    const wanted = Math.min(this.#windowOf(reader, widest), bound - reader.position);
    const window = reader.share.grant(wanted, reader.plays);
    const owedBy = reader.waitingSince === null ? null : (reader.claim?.cursor ?? null);
    return { position: reader.position, edge: Math.min(reader.position + window, bound), until: bound, owedBy };
  }

  /** Bytes came in, for everyone who has them in the window that reading alone would give. */
  landed({ start, end }: ByteRange, widest: number): void {
    for (const reader of this.readers) {
      const { position } = reader;
      if (end <= position || start >= position + this.#windowOf(reader, widest)) continue;
      reader.share.landed({ start: Math.max(start, position), end });
    }
  }

  #windowOf({ sequence, pace }: Reader, widest: number): number {
    return Math.min(widest, readAheadWindow({ sequence, pace: pace.bytesPerSecond }, this.#policy));
  }

  /** Until when a waiting reader has hope, in monotonic milliseconds, and which setting ends it. */
  deadlineOf(reader: Reader): { at: number; budget: Budget } {
    const now = this.#clock.now();
    const { begun, claim, waitingSince } = reader;
    // The head and the first byte of one request have one budget together.
    const since = (begun ? null : claim?.since) ?? waitingSince ?? now;
    return deadlineOf(
      { since, begun, queuedBefore: claim?.queuedBefore ?? 0 },
      claim?.cursor ?? nobody,
      this.#policy,
      now,
    );
  }

  /** Until when anybody hopes for a byte of this cursor; `served`: whether readers count on it that do not wait yet. */
  hopeUntil(cursor: Cursor, served: boolean): number {
    const { firstByteTimeout, healTimeout } = this.#policy;
    const deadlines = [...this.waitingFor(cursor)].map((reader) => this.deadlineOf(reader).at);
    if (served && cursor.progressAt !== null) deadlines.push(cursor.progressAt + healTimeout);
    if (served && cursor.progressAt === null) deadlines.push(cursor.openedAt + cursor.queuedFor + firstByteTimeout);
    return Math.max(Number.NEGATIVE_INFINITY, ...deadlines);
  }

  /**
   * Where all that a cursor serves want it to end, in whole units; `null` where one of them wants everything. `errands`
   * are what else is wanted.
   */
  boundOf(cursor: Cursor, errands: Iterable<ByteRange>): number | null {
    let bound: number | null = null;
    for (const { start, end } of errands) {
      if (start <= cursor.position && end > cursor.position) bound = Math.max(bound ?? 0, end);
    }
    for (const reader of this.readers) {
      if (reader.position > cursor.position && reader.claim?.cursor !== cursor) continue;
      if (reader.end === null) return null;
      bound = Math.max(bound ?? 0, wholeUnits(reader.end));
    }
    return bound;
  }
}
