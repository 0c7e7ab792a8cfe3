/**
 * The room that a store has, and what makes room: counts every byte from the moment when it is accepted, and evicts.
 *
 * Sizes are corrected to what the medium really uses as soon as that is known. Where nothing may go, room is refused,
 * and the bytes go past the store.
 */
import type { Clock } from '../clock.ts';
import type { EvictionReason } from '../events.ts';
import type { NextToGo } from './admin.ts';
import { type EvictionRules, evictionOrder } from './eviction.ts';
import type { HeldSegment, Holding } from './holding.ts';

/** What was watched so many milliseconds ago does not go for bytes that nobody waits for. */
const justWatched = 600_000;

/** After a vain attempt to make room, none is made for so many milliseconds. */
const futilePause = 500;

/** More than what is needed goes at once, so that this is not thought about at each write: at most so many bytes. */
const mostSlack = 256 * 1024 * 1024;

/** Where the store is small, reading ahead of one playhead may fill this much of it. */
const aheadShare = 4;

/** The least room ahead of a playhead, as a part of a segment. */
const leastAhead = 1 / 16;

export interface RoomOptions {
  readonly clock: Clock;
  readonly segmentSize: number;
  /** Called when a segment must go; everybody has forgotten it but the medium. */
  readonly evict: (holding: Holding, segment: number, bytes: number, reason: EvictionReason) => void;
}

export class Room {
  readonly #options: RoomOptions;
  readonly #holdings = new Set<Holding>();
  #bytes = 0;
  #playheads = 0;
  #futileUntil = Number.NEGATIVE_INFINITY;
  /** How much may be held, in bytes. */
  limit = Number.POSITIVE_INFINITY;
  /** What the file system has left, and must have left, in bytes; counted on from the last look. */
  free = Number.POSITIVE_INFINITY;
  minFree = 0;

  constructor(options: RoomOptions) {
    this.#options = options;
  }

  get holdings(): ReadonlySet<Holding> {
    return this.#holdings;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** How far past a playhead bytes may run without pushing out what others need. */
  get ahead(): number {
    return Math.max(
      leastAhead * this.#options.segmentSize,
      this.#capacity / (aheadShare * Math.max(1, this.#playheads)),
    );
  }

  admit(holding: Holding): void {
    this.#holdings.add(holding);
    for (const { bytes } of holding.segments) this.#bytes += bytes;
  }

  /** Nothing of it is on the medium any more. */
  dismiss(holding: Holding): void {
    if (!this.#holdings.delete(holding)) return;
    this.#playheads -= holding.playheads.length;
    for (const { bytes } of holding.segments) {
      this.#bytes -= bytes;
      this.free += bytes;
    }
  }

  attend(holding: Holding, playheads: readonly number[]): void {
    if (this.#holdings.has(holding)) this.#playheads += playheads.length - holding.playheads.length;
    holding.playheads = playheads;
    const at = this.#options.clock.wallTime();
    for (const playhead of playheads) holding.watch(Math.floor(playhead / this.#options.segmentSize), at);
  }

  /** Counts bytes that come; `false`, and nothing counted, where there is no room and none can be made. */
  reserve(holding: Holding, start: number, end: number): boolean {
    this.#charge(holding, start, end, 1);
    if (this.#excess() <= 0 || this.#makeRoomFor(holding, start)) return true;
    this.#charge(holding, start, end, -1);
    return false;
  }

  /** Bytes that were reserved are on the medium. */
  landed(holding: Holding, start: number, end: number): void {
    const segment = holding.bySegment.get(Math.floor(start / this.#options.segmentSize));
    if (segment !== undefined) segment.coming = Math.max(0, segment.coming - (end - start));
  }

  /** Bytes that were reserved will never come. */
  abandon(holding: Holding): void {
    for (const segment of [...holding.segments]) {
      this.#bytes -= segment.coming;
      segment.bytes -= segment.coming;
      segment.coming = 0;
      if (segment.bytes <= 0) this.drop(holding, segment.number);
    }
  }

  /** What of a segment is on the medium takes so many real bytes there. */
  correct(holding: Holding, number: number, real: number): void {
    const segment = holding.bySegment.get(number);
    if (segment === undefined || !this.#holdings.has(holding)) return;
    this.#bytes += real + segment.coming - segment.bytes;
    segment.bytes = real + segment.coming;
  }

  /** What was on the medium of a segment is gone from it. */
  drop(holding: Holding, number: number): void {
    const segment = holding.bySegment.get(number);
    if (segment === undefined) return;
    const gone = segment.bytes - segment.coming;
    segment.bytes -= gone;
    if (segment.coming === 0) holding.bySegment.delete(number);
    if (this.#holdings.has(holding)) this.#bytes -= gone;
    this.free += gone;
  }

  /** Evicts at least so many bytes, if that many may go for a viewer; returns how many went. */
  makeRoom(bytes: number, reason: EvictionReason): number {
    return this.#evict(bytes, reason, Number.POSITIVE_INFINITY);
  }

  /** Brings the store back below its limits, as when they or the file system have changed. */
  settle(): void {
    const excess = this.#excess();
    if (excess > 0) this.#evict(excess, this.#reason(), Number.POSITIVE_INFINITY);
  }

  nextToGo(bytes: number): NextToGo[] {
    const going: { name: string; label: NextToGo['label']; bytes: number }[] = [];
    let sum = 0;
    for (const { holding, segment } of this.#order(Number.POSITIVE_INFINITY)) {
      if (sum >= bytes) break;
      sum += segment.bytes;
      const last = going.at(-1);
      if (last?.name === holding.name) last.bytes += segment.bytes;
      else going.push({ name: holding.name, label: holding.label, bytes: segment.bytes });
    }
    return going;
  }

  #makeRoomFor(holding: Holding, start: number): boolean {
    const { clock } = this.#options;
    if (clock.now() < this.#futileUntil) return false;
    const watchedStays = this.#isWanted(holding, start) ? Number.POSITIVE_INFINITY : clock.wallTime() - justWatched;
    this.#evict(this.#excess() + Math.min(mostSlack, this.#capacity / 64), this.#reason(), watchedStays);
    if (this.#excess() <= 0) return true;
    this.#futileUntil = clock.now() + futilePause;
    return false;
  }

  /** Whether a viewer comes to these bytes soon. */
  #isWanted({ playheads }: Holding, start: number): boolean {
    const { ahead } = this;
    const { segmentSize } = this.#options;
    return playheads.some((playhead) => start > playhead - segmentSize && start < playhead + ahead + segmentSize);
  }

  #evict(bytes: number, reason: EvictionReason, watchedStays: number): number {
    let went = 0;
    for (const { holding, segment } of this.#order(watchedStays)) {
      if (went >= bytes) break;
      const { number, bytes: size } = segment;
      went += size;
      this.drop(holding, number);
      this.#options.evict(holding, number, size, reason);
    }
    return went;
  }

  #order(watchedStays: number) {
    const { segmentSize } = this.#options;
    const rules: EvictionRules = { segmentSize, limit: this.#capacity, ahead: this.ahead, watchedStays };
    return evictionOrder<HeldSegment, Holding>(this.#holdings, rules);
  }

  /** What it could hold at most, as things are now. */
  get #capacity(): number {
    return Math.min(this.limit, this.#bytes + Math.max(0, this.free - this.minFree));
  }

  #excess(): number {
    return Math.max(this.#bytes - this.limit, this.minFree - this.free);
  }

  #reason(): EvictionReason {
    return this.#bytes > this.limit ? 'size' : 'free';
  }

  #charge(holding: Holding, start: number, end: number, sign: 1 | -1): void {
    const { segmentSize, clock } = this.#options;
    for (let at = start; at < end; ) {
      const number = Math.floor(at / segmentSize);
      const count = Math.min(end, (number + 1) * segmentSize) - at;
      const segment = holding.segment(number, clock.wallTime());
      segment.bytes += sign * count;
      segment.coming += sign * count;
      this.#bytes += sign * count;
      this.free -= sign * count;
      if (segment.bytes === 0) holding.bySegment.delete(number);
      at += count;
    }
  }
}
