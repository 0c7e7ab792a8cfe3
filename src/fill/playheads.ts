/**
 * Where players have been in a film: which places of it they have shown, and where the last of them was.
 *
 * A player reads ahead of what it shows. Where the bit rate is known, what it can have shown by now follows from when it
 * began to read there; else it is where it reads.
 */
import { type ByteRange, clipTo } from '../bytes/byte-range.ts';
import type { Foresight } from './foresight.ts';
import type { Presence } from './presence.ts';
import { readUnit, unitEnd } from './read-unit.ts';
import type { Reader } from './reader.ts';
import type { Upstream } from './upstream.ts';

/** Who reads on from a seek for so long, or so much, has shown what is there. */
const shownMs = 1000;
const shownBytes = 256 * 1024;

/** Who has read for so long will want to go on from there another day. */
const watchedMs = 5000;

/** What a player takes before it shows its first picture, in milliseconds. */
const startMs = 1000;

/** So much is to be had from each place: so many milliseconds of film, or so many bytes where that can't be told. */
const keptMs = 10_000;
const keptBytes = 8 * 1024 * 1024;

/** So often at most a place is noted while somebody plays, in bytes. */
const noteEvery = 8 * 1024 * 1024;

/** So many ranges of the latest places are completed. */
const mostRanges = 128;

export interface PlayheadsParts {
  readonly presence: Presence;
  readonly upstream: Pick<Upstream, 'content'>;
  readonly foresight: Pick<Foresight, 'bytesPerSecond' | 'isPlace'>;
}

export class Playheads {
  readonly #parts: PlayheadsParts;
  #shown: readonly ByteRange[] = [];
  #notedAt = 0;

  constructor(parts: PlayheadsParts) {
    this.#parts = parts;
  }

  /** A reader has moved on. */
  moved(reader: Reader): void {
    if (reader.plays && Math.abs(reader.position - this.#notedAt) >= noteEvery) this.#note(reader);
  }

  /** A reader has come to its end. */
  left(reader: Reader): void {
    const { position, sequence, readsFor, plays } = reader;
    const start = position - sequence;
    const isPlace = plays || this.#parts.foresight.isPlace(start);
    if (isPlace && (plays || readsFor >= watchedMs)) this.#note(reader);
    if (!isPlace || (readsFor < shownMs && sequence < shownBytes)) return;
    // What it has read came already, and may have been evicted since.
    const [before, after] = [start - (start % readUnit), unitEnd(this.playheadOf(reader) + this.#keptBytes)];
    const kept = [
      { start: before, end: start },
      { start: position, end: Math.max(position, after) },
    ];
    this.#shown = [...this.#shown, ...kept].slice(-mostRanges);
  }

  /** What is to be had of the places that were shown. */
  ranges(): readonly ByteRange[] {
    return this.#shown.map((range) => clipTo(range, this.#parts.upstream.content.length));
  }

  /** The first byte of them that is missing; `null` where there is none, and they are done. */
  next(): number | null {
    const { present } = this.#parts.upstream.content;
    for (const range of this.ranges()) {
      const gap = present.firstGap(range);
      if (gap !== null) return gap.start;
    }
    this.giveUp();
    return null;
  }

  giveUp(): void {
    this.#shown = [];
  }

  get #keptBytes(): number {
    const { bytesPerSecond } = this.#parts.foresight;
    return bytesPerSecond === null ? keptBytes : Math.ceil((bytesPerSecond * keptMs) / 1000);
  }

  /** Where a player is, as far as that can be told. */
  playheadOf({ position, sequence, readsFor }: Reader): number {
    const { bytesPerSecond } = this.#parts.foresight;
    if (bytesPerSecond === null) return position;
    const shown = Math.floor((bytesPerSecond * Math.max(0, readsFor - startMs)) / 1000);
    return position - sequence + Math.min(sequence, shown);
  }

  #note(reader: Reader): void {
    this.#notedAt = reader.position;
    this.#parts.presence.leaveAt(this.playheadOf(reader));
  }
}
