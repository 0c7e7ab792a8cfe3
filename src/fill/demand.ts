/**
 * What the readers of one fill want: which bytes, from which cursor, and until when.
 */
import type { ByteRange } from '../bytes/byte-range.ts';
import type { Clock } from '../clock.ts';
import type { ProxyError } from '../errors.ts';
import type { ReachabilityView } from '../origin/origin.ts';
import type { Cursor } from './cursor.ts';
import { type ReaderSight, requestEnd, wholeUnits } from './cursor-plan.ts';
import type { FillPolicy } from './fill-policy.ts';
import { type Budget, type Debt, deadlineOf } from './first-byte.ts';
import { type LandedBytes, readUnit } from './landed-bytes.ts';
import { readAheadWindow } from './read-ahead-window.ts';
import type { Reader } from './reader.ts';

const nobody: Debt = { queued: false, queuedFor: 0, progressAt: null };

export interface DemandParts {
  readonly clock: Clock;
  readonly policy: FillPolicy;
  readonly reachability: ReachabilityView;
  readonly bytes: LandedBytes;
}

export class Demand {
  readonly #parts: DemandParts;
  readonly #clock: Clock;
  readonly #policy: FillPolicy;
  readonly readers = new Set<Reader>();

  constructor(parts: DemandParts) {
    this.#parts = parts;
    this.#clock = parts.clock;
    this.#policy = parts.policy;
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
    const bound = boundFor(reader) ?? Number.POSITIVE_INFINITY;
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
    const wait = { since, begun, queuedBefore: claim?.queuedBefore ?? 0 };
    const hope = deadlineOf(wait, claim?.cursor ?? nobody, this.#policy, now);
    return { ...hope, at: Math.min(hope.at, this.#toldBy(reader) ?? hope.at) };
  }

  /** What a reader is told whose time is over because the origin is out of reach; `null` where that is not why. */
  outOfReach(reader: Reader): ProxyError | null {
    const toldBy = this.#toldBy(reader);
    return toldBy === null || toldBy > this.#clock.now() ? null : this.#parts.reachability.outOfReach;
  }

  /**
   * Who comes to a gap while the origin is out of reach is told early: there is more of the title that can be watched.
   * Who waits for one of which nothing is there has nothing better to do.
   */
  #toldBy({ waitingSince }: Reader): number | null {
    const { bytes, reachability } = this.#parts;
    return waitingSince === null || bytes.present.size === 0 ? null : reachability.toldBy(waitingSince);
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
      const end = boundFor(reader);
      if (end === null) return null;
      bound = Math.max(bound ?? 0, end);
    }
    return bound;
  }
}

/** Where what is fetched for a reader ends, in whole units; `null` for the end of the representation. */
function boundFor({ position, end, waitingSince }: Reader): number | null {
  if (end === null) return null;
  return waitingSince === null ? wholeUnits(end) : requestEnd(position, end);
}
