/**
 * Several fetches side by side for one reader: sees whom one connection starves, and says where others begin pieces of
 * what lies ahead. How many there are is learned for each origin (`parallelism.ts`); where they begin is the plan's.
 */
import type { Clock } from '../clock.ts';
import type { ConnectionSlots } from './connection-slots.ts';
import type { Fetch } from './fetch.ts';
import type { Parallelism } from './parallelism.ts';
import { nextPiece, pieceUnit, type ReaderInterest } from './plan.ts';
import type { FillPolicy } from './policy.ts';
import { readUnit } from './read-unit.ts';
import type { Reader } from './reader.ts';
import { RecentThroughput } from './throughput.ts';
import type { Upstream } from './upstream.ts';

/** Whoever has read so many bytes in sequence, and has none ahead of it, may starve. */
const starvesAfter = 64 * 1024;

/** Whoever has read so many bytes in sequence is no scan that looks at one place after the other. */
const watchedAfter = 2 * 1024 * 1024;

/** A connection that brings so many times what a film needs starves nobody; nor one that brings so many bytes a second. */
const plentyTimes = 1.5;
const plentyUnknown = 1_250_000;

/** With a first byte so late, or later, several connections begin where a viewer seeks to, each for so much at least. */
const lateMs = 200;
const leastPart = 64 * 1024;

/** A reader that has had bytes ahead of it for so long does not starve any more, in milliseconds. */
const fedAfterMs = 2000;

export interface SideBySideParts {
  readonly clock: Clock;
  readonly policy: FillPolicy;
  readonly slots: ConnectionSlots;
  readonly upstream: Upstream;
  readonly parallelism: Parallelism;
}

/** The fill, as far as it matters here. */
export interface SideBySideHost {
  readonly readers: Iterable<Reader>;
  readonly fetches: Iterable<Fetch>;
  /** Whether what is missing can be asked for. */
  readonly resumable: boolean;
  /** What the film needs; `null` where that is not known. */
  readonly bytesPerSecond: number | null;
  interestOf(reader: Reader): ReaderInterest<Fetch>;
  /** Starts one more fetch for what a reader will want. */
  startFor(reader: Reader, position: number): void;
}

export class SideBySide {
  readonly #parts: SideBySideParts;
  readonly #host: SideBySideHost;
  #unit = Number.POSITIVE_INFINITY;
  readonly #brought: RecentThroughput;
  /** When a reader starved last, in monotonic milliseconds. */
  #starvedAt = Number.NEGATIVE_INFINITY;
  /** Whether a reader has gone so far that whoever comes to another place seeks. */
  #isWatched = false;

  constructor(parts: SideBySideParts, host: SideBySideHost) {
    this.#parts = parts;
    this.#host = host;
    this.#brought = new RecentThroughput(parts.clock);
  }

  /** The unit of pieces, in bytes: `Infinity` where a fetch has no other beside it. */
  get unit(): number {
    return this.#unit;
  }

  /** A reader has moved on. */
  follow({ sequence }: Reader): void {
    this.#isWatched ||= sequence >= watchedAfter;
  }

  /** `bytes` came by a fetch: where one connection starves a reader, others begin. */
  received({ status }: Fetch, bytes: number): void {
    const { parallelism, slots, upstream, clock } = this.#parts;
    const needed = this.#host.bytesPerSecond;
    const plenty = needed === null ? plentyUnknown : plentyTimes * needed;
    const isFed = parallelism.fetches === 1 && (status.steadyThroughput ?? plenty) >= plenty;
    if (isFed || !this.#isPossible) return;
    const reader = this.#starving;
    if (reader === null) {
      if (clock.now() - this.#starvedAt > fedAfterMs) this.#unit = Number.POSITIVE_INFINITY;
      return;
    }
    this.#starvedAt = clock.now();
    this.#brought.add(bytes);
    const interest = this.#host.interestOf(reader);
    const { firstByteMs: roundTripMs } = upstream;
    const throughput = status.steadyThroughput ?? 0;
    const running = this.#runningFor(interest);
    const fetches = parallelism.starves({ bytes, running, limit: slots.limit, roundTripMs, throughput, plenty });
    const pace = { firstByteMs: roundTripMs, throughput: this.#brought.now / Math.max(1, running) };
    this.#unit = fetches === 1 ? Number.POSITIVE_INFINITY : pieceUnit(interest, fetches, pace);
    this.#begin(reader, interest, fetches);
  }

  /** A fetch has begun where a viewer seeks to: where one connection is known to starve it, others begin at once. */
  seek(reader: Reader): void {
    const { parallelism, slots, upstream } = this.#parts;
    if (!this.#isWatched || !this.#isPossible) return;
    const interest = this.#host.interestOf(reader);
    const fetches = Math.min(parallelism.fetches, slots.limit);
    if (fetches > 1) {
      this.#unit = pieceUnit(interest, fetches, { firstByteMs: 0, throughput: 0 });
      this.#begin(reader, interest, fetches);
    } else if (upstream.firstByteMs >= lateMs) this.#hasten(reader, interest);
  }

  /**
   * Over a long way each connection begins slowly (RFC 5681 §3.1): for once others begin in even parts of the window, and
   * the last of them goes on.
   */
  #hasten(reader: Reader, { position, windowEnd }: ReaderInterest<Fetch>): void {
    const { parallelism, slots, upstream } = this.#parts;
    const { present, length } = upstream.content;
    const part = Math.ceil((Math.min(windowEnd, length) - position) / parallelism.most);
    for (let start = position + part; start < windowEnd && slots.used < slots.limit; start += part) {
      const range = { start, end: start + part };
      const isCovered = [...this.#host.fetches].some((fetch) => start <= fetch.position && fetch.position < range.end);
      const missing = isCovered || part < leastPart ? null : present.firstGap(range);
      if (missing !== null) this.#host.startFor(reader, missing.start);
    }
  }

  /**
   * A fetch has failed. Returns whether it was one too many: another brings bytes, nobody waits for this one, and the
   * origin gave it none.
   */
  refused(fetch: Fetch): boolean {
    const isBesides = this.#unit < Number.POSITIVE_INFINITY && fetch.goal.urgency !== 'waited for';
    if (!isBesides || fetch.status.received > 0) return false;
    if (![...this.#host.fetches].some(({ status }) => status.received > 0)) return false;
    this.#parts.parallelism.refused();
    return true;
  }

  get #isPossible(): boolean {
    const { slots, upstream, policy } = this.#parts;
    const { length, ranges } = upstream.content;
    if (ranges !== true || length === Number.POSITIVE_INFINITY || !upstream.asksRanges) return false;
    return slots.limit > 1 && policy.fill !== 'none' && this.#host.resumable;
  }

  /** A reader that has read in sequence, and has next to nothing ahead of it; `null` where there is none. */
  get #starving(): Reader | null {
    const { present, length } = this.#parts.upstream.content;
    for (const reader of this.#host.readers) {
      const { position: start, sequence } = reader;
      const near = { start, end: Math.min(start + readUnit, reader.end ?? length) };
      if (sequence >= starvesAfter && present.firstGap(near) !== null) return reader;
    }
    return null;
  }

  /** How many fetches work in the window of a reader. */
  #runningFor({ position: start, windowEnd }: ReaderInterest<Fetch>): number {
    return [...this.#host.fetches].filter(({ position }) => start <= position && position < windowEnd).length;
  }

  /** So many fetches work in the window of a reader from now on, as far as connections are free. */
  #begin(reader: Reader, interest: ReaderInterest<Fetch>, fetches: number): void {
    const { slots, upstream } = this.#parts;
    while (this.#runningFor(interest) < fetches && slots.used < slots.limit) {
      const start = nextPiece(interest, upstream.content, this.#host.fetches, this.#unit);
      if (start === null) return;
      this.#host.startFor(reader, start);
    }
  }
}
