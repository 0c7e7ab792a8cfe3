/**
 * A session of a small object that is stored whole and that nobody has open. It needs no entry, and leaves nothing behind.
 *
 * Nearly every such reply goes out in the turn in which it was asked for. Where one takes longer, because its client does
 * not take it at once or its file can't be sent as it is, a session of the entry takes over in that same turn.
 */
import type { ByteRange } from '../bytes/byte-range.ts';
import type { Representation } from '../http/representation.ts';
import type { FilePart, WholeObject } from '../store/store.ts';
import type { ReadSession, SessionReader } from './read-session.ts';

/** A larger film has viewers, whom the page shows and for whom places are kept. In bytes. */
export const mostWhole = 1024 * 1024;

export interface WholeSessionParts {
  readonly object: WholeObject;
  readonly range: ByteRange;
  /** For how many milliseconds it is fresh. */
  readonly freshFor: number;
  readonly patience: ReadSession['patience'];
  /** A session of the entry for what is left; throws `FillFailed` where it has no longer what this one began with. */
  takeOver(rest: ByteRange): ReadSession;
}

export class WholeSession implements ReadSession {
  readonly #parts: WholeSessionParts;
  readonly reader: WholeReader;

  constructor(parts: WholeSessionParts) {
    this.#parts = parts;
    this.reader = new WholeReader(parts);
  }

  readonly cache = 'hit';
  readonly collapsed = false;

  get representation(): Representation {
    return this.#parts.object.representation;
  }

  get ttl(): number {
    return Math.floor(this.#parts.freshFor / 1000);
  }

  get patience(): ReadSession['patience'] {
    return this.#parts.patience;
  }

  get fill(): ReadSession['fill'] {
    const beginning = (length: number, signal: AbortSignal) => this.reader.takeOver().fill.beginning(length, signal);
    return { id: null, passing: false, beginning };
  }

  leave(): void {
    this.reader.taker?.leave();
  }
}

class WholeReader implements SessionReader {
  readonly #parts: WholeSessionParts;
  #position: number;
  readonly #end: number;
  #taker: ReadSession | null = null;

  constructor(parts: WholeSessionParts) {
    this.#parts = parts;
    this.#position = parts.range.start;
    this.#end = parts.range.end;
  }

  /** The session that has taken over; `null` where none has. */
  get taker(): ReadSession | null {
    return this.#taker;
  }

  /** The same; where none has, it does so now. */
  takeOver(): ReadSession {
    this.#taker ??= this.#parts.takeOver({ start: this.#position, end: this.#end });
    return this.#taker;
  }

  get position(): number {
    return this.#taker?.reader.position ?? this.#position;
  }

  get end(): number | null {
    return this.#taker === null ? this.#end : this.#taker.reader.end;
  }

  get waited(): boolean {
    return this.#taker?.reader.waited ?? false;
  }

  get waitingSince(): number | null {
    return this.#taker?.reader.waitingSince ?? null;
  }

  arrival(signal: AbortSignal): Promise<'bytes' | 'end'> {
    return this.takeOver().reader.arrival(signal);
  }

  take(signal: AbortSignal): ReturnType<SessionReader['take']> {
    return this.takeOver().reader.take(signal);
  }

  takeAhead(signal: AbortSignal): ReturnType<SessionReader['take']> {
    return this.takeOver().reader.takeAhead(signal);
  }

  useFile(most: number, use: (part: FilePart) => number): number | null {
    if (this.#taker !== null) return this.#taker.reader.useFile(most, use);
    const range = { start: this.#position, end: Math.min(this.#end, this.#position + most) };
    const used = range.end > range.start ? this.#parts.object.useFile(range, use) : null;
    if (used === null) return null;
    this.#position += used;
    if (used > 0 && this.#position < this.#end) this.takeOver();
    return used;
  }

  aim(range: ByteRange): void {
    this.takeOver().reader.aim(range);
  }

  rewind(position: number): void {
    this.takeOver().reader.rewind(position);
  }

  leave(): void {
    this.#taker?.reader.leave();
  }
}
