/**
 * What became of the bytes that were received from origins.
 *
 * A byte is *used* when a client first gets it. It is *wasted* when its fill ends, at most half a minute after its last
 * reader has left, before any client got it; or when it is received a second time before any client got it. Until then it is
 * *unread*. So for each origin, in bytes and always: received = used + wasted + unread.
 */
import { RangeSet } from '../bytes/range-set.ts';
import type { DomainEvent } from '../events.ts';

export const readAheadFates = ['used', 'wasted'] as const;
export type ReadAheadFate = (typeof readAheadFates)[number];

/** Called when it is known what became of bytes. */
export type OnDecided = (origin: string, fate: ReadAheadFate, bytes: number) => void;

interface Unread {
  readonly origin: string;
  readonly ranges: RangeSet;
}

export class ReadAhead {
  readonly #onDecided: OnDecided;
  /** Unread bytes by fill, for fills that are read or that download. */
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

  /** How many bytes of each origin are unread. */
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

  #sent(fill: number | null, offset: number, bytes: number): void {
    const unread = fill === null ? undefined : this.#unread.get(fill);
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
