/**
 * Several fetches side by side for one reader: sees whom one connection starves, and says where others begin pieces of
 * what lies ahead. How many there are is learned for each origin (`parallelism.ts`); where they begin is the plan's.
 */
import type { Clock, Timer } from '../clock.ts';
import type { ConnectionSlots } from './connection-slots.ts';
import type { Fetch } from './fetch.ts';
import type { Fetches } from './fetches.ts';
import type { Foresight } from './foresight.ts';
import { type Parallelism, slow } from './parallelism.ts';
import { firstFlights, nextPiece, type Pieces, pieceUnit, type ReaderInterest, whole } from './plan.ts';
import type { FillPolicy } from './policy.ts';
import { readUnit } from './read-unit.ts';
import type { Reader } from './reader.ts';
import type { Readers } from './readers.ts';
import { RecentThroughput } from './throughput.ts';
import type { Upstream } from './upstream.ts';

/** Whoever has read so many bytes in sequence, and has none ahead of it, may starve. */
const starvesAfter = 64 * 1024;

/** Whoever has read so many bytes in sequence is no scan that looks at one place after the other. */
const watchedAfter = 2 * 1024 * 1024;

/** A connection that brings so many times what a film needs starves nobody; nor one that brings so many bytes a second. */
const plentyTimes = 1.5;
const plentyUnknown = 1_250_000;

/** Over a slow line so many times what a film needs are enough. */
const fitsTimes = 1.15;

/**
 * So many round trips connections over a long way take to become fast, where they begin beside each other: each sees the
 * others' bytes before its own and takes the line for full (RFC 9406).
 */
const beginningRoundTrips = 8;

/** So far ahead of a reader they work, in bytes. */
const beginningWindow = 4 * 1024 * 1024;

/** A connection is silent that brings nothing for so long, in milliseconds, and for so many round trips. */
const silentMs = 1500;
const silentRoundTrips = 4;

/** So many connections without an answer are no accident. */
const severalUnanswered = 3;

/** A reader that has had bytes ahead of it for so long does not starve any more, in milliseconds. */
const fedAfterMs = 2000;

/** A player that has so much more than it can have shown is in no hurry, in milliseconds of film. */
const comfortMs = 10_000;

export interface SideBySideParts {
  readonly clock: Clock;
  readonly policy: FillPolicy;
  readonly slots: ConnectionSlots;
  readonly upstream: Upstream;
  readonly parallelism: Parallelism;
  readonly foresight: Foresight;
  readonly readers: Readers;
  readonly fetches: Fetches;
}

export class SideBySide {
  readonly #parts: SideBySideParts;
  #pieces = whole;
  readonly #brought: RecentThroughput;
  /** When bytes came last while a reader starved, in monotonic milliseconds. */
  #starvedAt = Number.NEGATIVE_INFINITY;
  /** Looks for connections that have become silent, while a reader starves. */
  #silence: Timer | null = null;
  /** Whether a player has opened the film. */
  #isOpened = false;
  /** Whether a reader has gone so far that whoever comes to another place seeks. */
  #isWatched = false;
  /** What came since they began, in bytes. */
  #begun = 0;
  /** Until then connections over a long way begin together, in monotonic milliseconds. */
  #beginsUntil = Number.NEGATIVE_INFINITY;

  constructor(parts: SideBySideParts) {
    this.#parts = parts;
    this.#brought = new RecentThroughput(parts.clock);
  }

  get pieces(): Pieces {
    return this.#parts.slots.limit > 1 ? this.#pieces : whole;
  }

  /** Whether one more may begin for a film that is being opened. */
  get hasRoom(): boolean {
    const { slots, parallelism } = this.#parts;
    return !slots.isFar || parallelism.most === 1 || this.#parts.fetches.all.size < parallelism.together;
  }

  /**
   * What a reader wants: while connections begin together, there is room for a piece for each of them; and who will leave
   * in a moment has nothing fetched ahead.
   */
  interestOf(reader: Reader): ReaderInterest<Fetch> {
    const { policy, readers, foresight } = this.#parts;
    const interest = readers.interestOf(reader);
    const { position, end, sequence } = interest;
    let { windowEnd } = interest;
    if (this.#begins && sequence >= starvesAfter)
      windowEnd = Math.max(windowEnd, position + Math.min(policy.readAhead, beginningWindow, end - position));
    windowEnd = Math.min(windowEnd, foresight.headEnd(reader) ?? windowEnd);
    return windowEnd === interest.windowEnd ? interest : { ...interest, windowEnd };
  }

  /** A player has opened the film, and what it will ask for is known. */
  opened(): void {
    if (this.#isOpened || !this.#isPossible) return;
    this.#isOpened = true;
    this.#beginTogether();
  }

  /** A reader has moved on. */
  follow({ sequence }: Reader): void {
    this.#isWatched ||= sequence >= watchedAfter;
  }

  /** `bytes` came by a fetch: where one connection starves a reader, others begin. */
  received({ status }: Fetch, bytes: number): void {
    const { parallelism, slots, upstream, clock } = this.#parts;
    this.#begun += bytes;
    const plenty = this.#plenty;
    const isFed = !this.#begins && parallelism.fetches === 1 && this.#suffices(status.steadyThroughput ?? plenty);
    if (isFed && status.steadyThroughput !== null) parallelism.suffices();
    if (isFed || !this.#isPossible) return;
    const reader = this.#starving;
    if (reader === null) {
      if (clock.now() - this.#starvedAt > fedAfterMs) this.#endTogether();
      return;
    }
    this.#starvedAt = clock.now();
    this.#brought.add(bytes);
    this.#watchSilence();
    if (this.#begins) {
      this.#beginFor(reader);
      return;
    }
    const interest = this.interestOf(reader);
    const { firstByteMs: roundTripMs } = upstream;
    const throughput = status.steadyThroughput ?? 0;
    const all = this.#workingFor(interest);
    const together = all.reduce((sum, { status: each }) => sum + (each.steadyThroughput ?? 0), 0);
    if (parallelism.fetches === 1 && this.#suffices(together)) return;
    const running = all.length;
    const fetches = this.#isAtEase(reader)
      ? this.#enough(all)
      : parallelism.starves({ bytes, running, limit: slots.limit, roundTripMs, throughput, plenty });
    const pace = { firstByteMs: roundTripMs, throughput: this.#brought.now / Math.max(1, running) };
    this.#pieces = fetches === 1 ? whole : { unit: pieceUnit(interest, fetches, pace), even: false };
    this.#begin(reader, interest, fetches);
  }

  /** A fetch has ended: another takes its place at once, where a reader starves. */
  ended(): void {
    const { parallelism, slots } = this.#parts;
    if (this.#pieces === whole || !this.#isPossible) return;
    const reader = this.#starving;
    if (reader === null) return;
    if (this.#begins) {
      this.#beginFor(reader);
      return;
    }
    const interest = this.interestOf(reader);
    const fetches = this.#isAtEase(reader) ? this.#enough(this.#workingFor(interest)) : parallelism.fetches;
    this.#begin(reader, interest, Math.min(fetches, slots.limit));
  }

  /** A fetch has begun where a viewer seeks to: where one connection is known to starve it, others begin at once. */
  seek(reader: Reader): void {
    const { parallelism, slots } = this.#parts;
    const isSought = this.#isWatched || (this.#isOpened && this.#parts.foresight.isPlace(reader.position));
    if (!isSought || !this.#isPossible) return;
    this.#beginTogether();
    if (this.#begins) {
      this.#beginFor(reader);
      return;
    }
    const fetches = Math.min(parallelism.fetches, slots.limit);
    if (fetches === 1) return;
    const interest = this.interestOf(reader);
    this.#pieces = { unit: pieceUnit(interest, fetches, { firstByteMs: 0, throughput: 0 }), even: false };
    this.#begin(reader, interest, fetches);
  }

  /**
   * A fetch has failed. Returns whether it was one too many: the origin gave it nothing, nobody waits for it, and another
   * brings bytes, or has begun with it and may yet.
   */
  refused(fetch: Fetch): boolean {
    const { parallelism } = this.#parts;
    const wasRefused = parallelism.view.reason === 'refused';
    const isBesides = this.#pieces !== whole || wasRefused;
    if (!isBesides || fetch.goal.urgency === 'waited for' || fetch.status.received > 0) return false;
    const others = [...this.#parts.fetches.all].filter((other) => other !== fetch && other.status.live);
    const mayYet = this.#pieces.even || wasRefused;
    if (!others.some(({ status }) => mayYet || status.received > 0)) return false;
    parallelism.refused();
    this.#endTogether();
    return true;
  }

  get #isPossible(): boolean {
    const { slots, upstream, policy } = this.#parts;
    const { length, ranges } = upstream.content;
    if (ranges !== true || length === Number.POSITIVE_INFINITY || !upstream.asksRanges) return false;
    return slots.limit > 1 && policy.fill !== 'none' && this.#parts.fetches.resumable;
  }

  get #begins(): boolean {
    return this.#parts.clock.now() < this.#beginsUntil;
  }

  /**
   * Over a long way each connection begins slowly (RFC 5681 §3.1), however fast the line is: so several begin beside each
   * other, each with as much as comes in its first round trips.
   */
  #beginTogether(): void {
    const { clock, slots, parallelism, upstream } = this.#parts;
    if (!slots.isFar || parallelism.view.reason === 'refused' || parallelism.most === 1) return;
    parallelism.begins(slots.limit);
    this.#begun = 0;
    this.#beginsUntil = clock.now() + beginningRoundTrips * upstream.firstByteMs;
    this.#pieces = { unit: firstFlights, even: true };
  }

  #endTogether(): void {
    this.#beginsUntil = Number.NEGATIVE_INFINITY;
    this.#pieces = whole;
  }

  #beginFor(reader: Reader): void {
    const { parallelism, slots } = this.#parts;
    const fetches = Math.min(parallelism.together, slots.limit);
    // In a round trip a connection brings as much as in all before it (RFC 5681 §3.1).
    const unit = Math.max(firstFlights, Math.min(this.#begun, beginningWindow) / fetches);
    this.#pieces = { unit: Math.floor(unit), even: true };
    this.#begin(reader, this.interestOf(reader), fetches);
  }

  /**
   * Looks after a reader that waits while some connections bring nothing, although others brought bytes meanwhile. One
   * that has become silent is given up, and another takes its place. Where several got no answer, the origin answers one
   * after the other: it is asked on one from then on.
   */
  #watchSilence(): void {
    this.#silence ??= this.#parts.clock.after(this.#silentAfterMs / 2, () => {
      this.#silence = null;
      const isAwaited = [...this.#parts.readers].some(({ waitingSince }) => waitingSince !== null);
      if (this.#pieces === whole || !this.#isPossible || !isAwaited) return;
      this.#watchSilence();
      const silent = [...this.#parts.fetches.all].filter((fetch) => this.#isSilent(fetch));
      const unanswered = silent.filter(({ status }) => status.phase === 'connecting');
      // One alone is left alone: else an origin that is slow to begin would never get to it.
      const isOneByOne = unanswered.length >= severalUnanswered;
      if (isOneByOne) this.#parts.parallelism.refused();
      if (isOneByOne) this.#endTogether();
      for (const fetch of silent) if (isOneByOne || !unanswered.includes(fetch)) fetch.stop();
    });
  }

  #isSilent({ status: { phase, openedAt, flowedAt } }: Fetch): boolean {
    const since = Math.max(openedAt, flowedAt);
    // What was asked for at the same time may have been answered at once.
    const isAlone = this.#starvedAt - since > (phase === 'connecting' ? 0 : this.#silentAfterMs / 3);
    const isLong = this.#parts.clock.now() - since > this.#silentAfterMs;
    return isAlone && isLong && (phase === 'connecting' || (phase === 'streaming' && flowedAt >= openedAt));
  }

  get #silentAfterMs(): number {
    return silentMs + silentRoundTrips * this.#parts.upstream.firstByteMs;
  }

  /** A reader that has next to nothing ahead of it, and no scan; `null` where there is none. */
  get #starving(): Reader | null {
    const { present, length } = this.#parts.upstream.content;
    const least = this.#begins ? 0 : starvesAfter;
    for (const reader of this.#parts.readers) {
      const { position: start, sequence } = reader;
      const near = { start, end: Math.min(start + readUnit, reader.end ?? length) };
      if (sequence >= least && present.firstGap(near) !== null) return reader;
    }
    return null;
  }

  /** What starves nobody, in bytes a second. */
  get #plenty(): number {
    const { bytesPerSecond } = this.#parts.foresight;
    return bytesPerSecond === null ? plentyUnknown : plentyTimes * bytesPerSecond;
  }

  /** Whether one connection that brings so many bytes a second starves nobody. */
  #suffices(throughput: number): boolean {
    const fits = fitsTimes * (this.#parts.foresight.bytesPerSecond ?? Number.POSITIVE_INFINITY);
    return throughput >= this.#plenty || (throughput < slow && throughput >= fits);
  }

  /** Whether a player has enough that it does not show yet. */
  #isAtEase(reader: Reader): boolean {
    const { bytesPerSecond } = this.#parts.foresight;
    if (bytesPerSecond === null) return false;
    return reader.position - this.#parts.readers.playheads.playheadOf(reader) > (bytesPerSecond * comfortMs) / 1000;
  }

  /**
   * How many fetches bring plenty, each as much as these on average: more would fill the line with what is not needed yet,
   * and a seek would have to wait until that is through.
   */
  #enough(running: readonly Fetch[]): number {
    const { fetches } = this.#parts.parallelism;
    const each = running.flatMap(({ status }) => status.steadyThroughput ?? []);
    const sum = each.reduce((one, other) => one + other, 0);
    return sum === 0 ? fetches : Math.min(fetches, Math.ceil((this.#plenty * each.length) / sum));
  }

  /** The fetches that work in the window of a reader. */
  #workingFor({ position: start, windowEnd }: ReaderInterest<Fetch>): Fetch[] {
    return [...this.#parts.fetches.all].filter(({ position }) => start <= position && position < windowEnd);
  }

  /** So many fetches work in the window of a reader from now on, as far as connections are free. */
  #begin(reader: Reader, interest: ReaderInterest<Fetch>, fetches: number): void {
    const { slots, upstream } = this.#parts;
    while (this.#workingFor(interest).length < fetches && slots.used < slots.limit) {
      const start = nextPiece(interest, upstream.content, this.#parts.fetches.all, this.#pieces);
      if (start === null) return;
      this.#parts.fetches.start(start, { said: reader.said });
    }
  }
}
