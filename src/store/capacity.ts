/**
 * How much a store may hold, how much it holds, and what must go for more.
 *
 * A byte counts from the moment when it is accepted. Sizes are corrected to what the medium really uses as soon as that is
 * known. This class chooses what must go and returns it; the caller evicts it. Where nothing may go, it refuses bytes.
 */
import { byteLength, splitAt } from '../bytes/byte-range.ts';
import type { Clock } from '../clock.ts';
import type { EvictionReason } from '../events.ts';
import type { EvictionPreview, StoreUsage } from './admin.ts';
import { type EvictionRules, evictionOrder } from './eviction.ts';
import { FullState } from './full-state.ts';
import type { HeldObject, HeldSegment, Inventory, User } from './inventory.ts';
import type { StoreError } from './store.ts';

/** A segment that somebody watched so recently stays, unless a viewer waits for the new bytes. */
const justWatchedMs = 600_000;

/** How long to wait after nothing could be evicted before choosing again. */
const futilePauseMs = 500;

/** In bytes: at most this much more than needed goes at once, so that not every write has to choose. */
const mostSlack = 256 * 1024 * 1024;

/** Reading ahead of one playhead may fill one part in so many of the store. */
const aheadShare = 4;

/** The beginnings and ends of films may fill one part in so many, and go last. */
const edgesShare = 10;

/** The index of a film lies in so much of its end, in bytes. */
const indexBytes = 2 * 1024 * 1024;

/** The least room ahead of a playhead, as a share of a segment. */
const leastAhead = 1 / 16;

/** An amount as people say it: so many bytes, or a share of what there is. */
export type Amount = { readonly bytes: number } | { readonly share: number };

export interface StoreLimits {
  /** What the store may hold at most; a share is of the room that it could have: what is free, and what it holds. */
  readonly maxSize?: Amount | null;
  /** What must stay free on the file system; a share is of all of it. */
  readonly minFree?: Amount | null;
  /** How long an object stays that nobody uses, in milliseconds. */
  readonly maxAge?: number | null;
}

/** The amount in bytes, where a share is of `whole`; `none` where there is no amount. */
export function inBytes(amount: Amount | null | undefined, whole: number, none: number): number {
  if (amount === null || amount === undefined) return none;
  return 'bytes' in amount ? amount.bytes : Math.floor(amount.share * whole);
}

/** A segment that must go. It counts no longer; its bytes stay on the medium until the caller evicts it. */
export interface Eviction<Held extends HeldObject> {
  readonly held: Held;
  readonly segment: number;
  readonly bytes: number;
  readonly reason: EvictionReason;
}

export interface Reservation<Held extends HeldObject> {
  /** Why there is no room for the bytes; `null` where there is, and they are counted. */
  readonly refused: StoreError | null;
  /** What must go, whether that made enough room or not. */
  readonly evictions: readonly Eviction<Held>[];
}

/** There was room. */
const granted = { refused: null, evictions: [] } as const;

export interface CapacityOptions<Held extends HeldObject> {
  readonly clock: Clock;
  readonly segmentSize: number;
  readonly inventory: Inventory<Held>;
  /** Called when `full` has changed. */
  readonly onFullChange: () => void;
}

export class Capacity<Held extends HeldObject> {
  readonly full: FullState;
  readonly #clock: Clock;
  readonly #segmentSize: number;
  readonly #inventory: Inventory<Held>;
  #bytes = 0;
  #futileUntil = Number.NEGATIVE_INFINITY;
  /** How much may be held, in bytes. */
  limit = Number.POSITIVE_INFINITY;
  /** Bytes that the file system has free, counted on since it was last asked, and bytes that it must keep free. */
  free = Number.POSITIVE_INFINITY;
  minFree = 0;

  constructor({ clock, segmentSize, inventory, onFullChange }: CapacityOptions<Held>) {
    this.full = new FullState(clock, onFullChange);
    this.#clock = clock;
    this.#segmentSize = segmentSize;
    this.#inventory = inventory;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** How far past a playhead bytes may run without pushing out what others need: requests end there. */
  get ahead(): number {
    const share = this.#most / (aheadShare * Math.max(1, this.#inventory.playheads));
    return Math.floor(Math.max(leastAhead * this.#segmentSize, share));
  }

  /** Adds the object to the inventory, with what is on the medium of it. */
  admit(held: Held): void {
    this.#inventory.add(held);
    for (const { bytes } of held.segments) this.#bytes += bytes;
  }

  /** Nothing of the object is on the medium any more. */
  dismiss(held: Held): void {
    if (!this.#inventory.has(held)) return;
    this.#inventory.delete(held);
    for (const { bytes } of held.segments) {
      this.#bytes -= bytes;
      this.free += bytes;
    }
  }

  attend(held: Held, user: User, playheads: readonly number[]): void {
    this.#inventory.attend(held, user, playheads);
    for (const playhead of held.playheads) held.watch(Math.floor(playhead / this.#segmentSize), this.#clock);
  }

  /** Counts bytes that come, unless there is no room for them and none can be made. */
  reserve(held: Held, start: number, end: number): Reservation<Held> {
    this.#charge(held, start, end, 1);
    if (this.#excess() <= 0) return granted;
    const evictions = this.#makeRoomFor(held, start);
    if (this.#excess() <= 0) return { refused: null, evictions };
    this.#charge(held, start, end, -1);
    const reason = this.#bytes + end - start > this.limit ? 'size' : 'free';
    return { refused: this.full.refuse(reason), evictions };
  }

  /** Bytes that were reserved are on the medium. */
  received(held: Held, start: number, end: number): void {
    const segment = held.bySegment.get(Math.floor(start / this.#segmentSize));
    if (segment !== undefined) segment.coming = Math.max(0, segment.coming - (end - start));
  }

  /** Bytes that were reserved will never come. */
  abandon(held: Held): void {
    for (const segment of [...held.segments]) {
      this.#bytes -= segment.coming;
      segment.bytes -= segment.coming;
      segment.coming = 0;
      if (segment.bytes <= 0) this.drop(held, segment.number);
    }
  }

  /** The part of a segment that is on the medium takes `real` bytes there. */
  correct(held: Held, number: number, real: number): void {
    const segment = held.bySegment.get(number);
    if (segment === undefined || !this.#inventory.has(held)) return;
    this.#bytes += real + segment.coming - segment.bytes;
    segment.bytes = real + segment.coming;
  }

  /** The part of a segment that was on the medium is gone. */
  drop(held: Held, number: number): void {
    const segment = held.bySegment.get(number);
    if (segment === undefined) return;
    const gone = segment.bytes - segment.coming;
    segment.bytes -= gone;
    if (segment.coming === 0) held.bySegment.delete(number);
    if (this.#inventory.has(held)) this.#bytes -= gone;
    this.free += gone;
  }

  /** Chooses segments of at least `bytes` in all, as if a viewer waited; fewer where not so many may go. */
  makeRoom(bytes: number, reason: EvictionReason): Eviction<Held>[] {
    return this.#choose(bytes, reason, Number.POSITIVE_INFINITY);
  }

  /** Chooses what must go for the store to be below its limits again. */
  trim(): Eviction<Held>[] {
    const excess = this.#excess();
    return excess > 0 ? this.makeRoom(excess, this.#reason()) : [];
  }

  /** What is held and may be held; `why` nothing is stored now. */
  usage(why: StoreError | null): StoreUsage {
    return {
      bytes: this.#bytes,
      objects: this.#inventory.count,
      limit: Number.isFinite(this.limit) ? this.limit : null,
      free: Number.isFinite(this.free) ? Math.max(0, this.free) : null,
      trouble: why === null ? null : { code: why.code, message: why.message },
    };
  }

  /** What would go next, in order, until `bytes` were free. */
  evictionPreview(bytes: number): EvictionPreview[] {
    const preview: { name: string; label: EvictionPreview['label']; bytes: number }[] = [];
    let sum = 0;
    for (const { held, segment } of this.#order(Number.POSITIVE_INFINITY)) {
      if (sum >= bytes) break;
      sum += segment.bytes;
      const last = preview.at(-1);
      if (last?.name === held.name) last.bytes += segment.bytes;
      else preview.push({ name: held.name, label: held.label, bytes: segment.bytes });
    }
    return preview;
  }

  #makeRoomFor(held: Held, start: number): Eviction<Held>[] {
    const now = this.#clock.now();
    if (now < this.#futileUntil) return [];
    const watchedStays = this.#isWanted(held, start) ? Number.POSITIVE_INFINITY : now - justWatchedMs;
    const bytes = this.#excess() + Math.min(mostSlack, this.#most / 64);
    const evictions = this.#choose(bytes, this.#reason(), watchedStays);
    if (this.#excess() > 0) this.#futileUntil = now + futilePauseMs;
    return evictions;
  }

  /** Whether a viewer comes to these bytes soon. */
  #isWanted({ playheads }: Held, start: number): boolean {
    const before = this.#segmentSize;
    const after = this.ahead + this.#segmentSize;
    return playheads.some((playhead) => start > playhead - before && start < playhead + after);
  }

  #choose(bytes: number, reason: EvictionReason, watchedStays: number): Eviction<Held>[] {
    const evictions: Eviction<Held>[] = [];
    let sum = 0;
    for (const { held, segment } of this.#order(watchedStays)) {
      if (sum >= bytes) break;
      sum += segment.bytes;
      evictions.push({ held, segment: segment.number, bytes: segment.bytes, reason });
      this.drop(held, segment.number);
    }
    return evictions;
  }

  #order(watchedStays: number) {
    const rules: EvictionRules = {
      segmentSize: this.#segmentSize,
      limit: this.#most,
      ahead: this.ahead,
      watchedStays,
      edges: this.#most / edgesShare,
      tail: indexBytes,
    };
    return evictionOrder<HeldSegment, Held>(this.#inventory.all(), rules);
  }

  /** What the store could hold at most, as things are now. */
  get #most(): number {
    return Math.min(this.limit, this.#bytes + Math.max(0, this.free - this.minFree));
  }

  #excess(): number {
    return Math.max(this.#bytes - this.limit, this.minFree - this.free);
  }

  #reason(): EvictionReason {
    return this.#bytes > this.limit ? 'size' : 'free';
  }

  #charge(held: Held, start: number, end: number, sign: 1 | -1): void {
    for (const part of splitAt({ start, end }, this.#segmentSize)) {
      const number = Math.floor(part.start / this.#segmentSize);
      const bytes = sign * byteLength(part);
      const segment = held.segment(number, this.#clock.wallTime());
      segment.bytes += bytes;
      segment.coming += bytes;
      this.#bytes += bytes;
      this.free -= bytes;
      if (segment.bytes === 0) held.bySegment.delete(number);
    }
  }
}
