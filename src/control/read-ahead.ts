/**
 * What became of the bytes that came in from origins: whether anybody got them.
 *
 * A byte is *used* when it is given to a client for the first time after it landed. It is *wasted* when its fill lets
 * go of it (half a minute after its last viewer has left, or at the end) and no client was ever given it, or when it
 * landed a second time while nobody had been given the first. Until then it is *unread*. So for each origin
 * landed = used + wasted + unread, always, in bytes.
 */
import { RangeSet } from '../bytes/range-set.ts';
import type { DomainEvent } from '../events.ts';

export const readAheadFates = ['used', 'wasted'] as const;
export type ReadAheadFate = (typeof readAheadFates)[number];

/** Told when it is decided what became of bytes. */
export type OnDecided = (origin: string, fate: ReadAheadFate, bytes: number) => void;

interface Unread {
  readonly origin: string;
  readonly ranges: RangeSet;
}

export class ReadAhead {
  readonly #onDecided: OnDecided;
  /** By fill; one that nobody reads has no place here, nor has one that brings nothing in. */
  readonly #unread = new Map<number, Unread>();

  constructor(onDecided: OnDecided) {
    this.#onDecided = onDecided;
  }

  take(event: DomainEvent): void {
    if (event.type === 'bytes-landed') {
      this.#landed(event.fill, event.origin, event.offset, event.bytes);
    } else if (event.type === 'bytes-sent') {
      this.#sent(event.fill, event.offset, event.bytes);
    } else if (event.type === 'fill-state' && event.to === 'idle') {
      this.#letGo(event.fill);
    }
  }

  /** How many bytes of each origin wait for somebody to want them. */
  unread(): Map<string, number> {
    const sums = new Map<string, number>();
    for (const { origin, ranges } of this.#unread.values()) sums.set(origin, (sums.get(origin) ?? 0) + ranges.size);
    return sums;
  }

  #landed(fill: number, origin: string, offset: number, bytes: number): void {
    const { ranges } = this.#unread.get(fill) ?? { ranges: new RangeSet() };
    this.#unread.set(fill, { origin, ranges });
    const before = ranges.size;
    ranges.add({ start: offset, end: offset + bytes });
    this.#decide(origin, 'wasted', bytes - (ranges.size - before));
  }

  #sent(fill: number, offset: number, bytes: number): void {
    const unread = this.#unread.get(fill);
    if (unread === undefined || unread.ranges.size === 0) return;
    const before = unread.ranges.size;
    unread.ranges.remove({ start: offset, end: offset + bytes });
    this.#decide(unread.origin, 'used', before - unread.ranges.size);
  }

  #letGo(fill: number): void {
    const unread = this.#unread.get(fill);
    if (unread === undefined) return;
    this.#unread.delete(fill);
    this.#decide(unread.origin, 'wasted', unread.ranges.size);
  }

  #decide(origin: string, fate: ReadAheadFate, bytes: number): void {
    if (bytes > 0) this.#onDecided(origin, fate, bytes);
  }
}
