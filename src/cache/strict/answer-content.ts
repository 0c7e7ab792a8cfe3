/**
 * The content of one answer in strict mode: what the store has of it, what comes from the origin, and those who read it.
 *
 * Each body of the origin's is read on while a reader is near its position, and given up when the last reader has left.
 * Nothing is asked for again: where a body breaks off, its readers are told.
 */
import { clipTo, type OpenRange } from '../../bytes/byte-range.ts';
import { type Clock, within } from '../../clock.ts';
import { ProxyError } from '../../errors.ts';
import { FillFailed } from '../../fill/failure.ts';
import type { FillReporter } from '../../fill/fill-reporter.ts';
import { Presence, type Taken } from '../../fill/presence.ts';
import type { Representation } from '../../http/representation.ts';
import type { OriginBody } from '../../origin/origin.ts';
import type { FilePart, StoreObject } from '../../store/store.ts';
import { never, untilAborted } from '../../until-aborted.ts';
import type { SessionReader } from '../read-session.ts';

/** How far ahead of its nearest reader a body is read, in bytes. */
const windowBytes = 1024 * 1024;

/** A body to take in. */
export interface Inflow extends OpenRange {
  readonly body: OriginBody;
  /** Milliseconds without a byte after which it is given up. */
  readonly timeout: number;
}

export interface AnswerContentParts {
  /** What the store has of it, or takes of it; `null` where it goes past the store. */
  readonly object: StoreObject | null;
  readonly representation: Representation;
  readonly clock: Clock;
  /** The number that its events carry, and who tells them. */
  readonly id: number;
  readonly reporter: Pick<FillReporter, 'received' | 'phaseChanged'>;
  /** Called when nobody uses it any more and its object is closed. */
  readonly onClosed: () => void;
}

/** A body that comes in, and the next byte that it will bring. */
interface Incoming {
  position: number;
  readonly end: number | null;
  readonly body: OriginBody;
}

export class AnswerContent {
  readonly #parts: AnswerContentParts;
  readonly #presence: Presence;
  readonly #readers = new Set<ContentReader>();
  #representation: Representation;
  /** Those that come in; what is given up is none of them any more. */
  readonly #incoming = new Set<Incoming>();
  #failed: FillFailed | null = null;
  #users = 0;
  #hasReceived = false;
  #change = Promise.withResolvers<void>();
  #closing: Promise<void> | null = null;

  constructor(parts: AnswerContentParts) {
    this.#parts = parts;
    this.#representation = parts.representation;
    this.#presence = new Presence(parts.object);
    if (parts.object === null) this.#presence.writeTo(null);
  }

  get representation(): Representation {
    return this.#representation;
  }

  get id(): number {
    return this.#parts.id;
  }

  get presence(): Presence {
    return this.#presence;
  }

  /** Resolves when it is closed; `null` while it is used. */
  get closing(): Promise<void> | null {
    return this.#closing;
  }

  /** The same answer with fresher fields. */
  describe(representation: Representation): void {
    this.#representation = representation;
    this.#presence.describe(representation);
  }

  /** How much of `range` is there; what is on its way from its first byte to its last counts as some. */
  has(range: OpenRange): 'all' | 'some' | 'none' {
    const { length } = this.#representation;
    if (range.end === null && length === null) return this.#brings(range) ? 'some' : 'none';
    const clipped = clipTo(range, length);
    if (this.#presence.present.covers(clipped)) return 'all';
    return this.#brings(range) ? 'some' : 'none';
  }

  /** It is used until the returned function is called, once. */
  use(): () => void {
    this.#users += 1;
    return () => {
      this.#users -= 1;
      if (this.#users > 0) return;
      if (this.#hasReceived) this.#parts.reporter.phaseChanged('filling', 'idle');
      this.#closing = this.#presence.close().then(this.#parts.onClosed);
    };
  }

  join(range: OpenRange): ContentReader {
    const reader = new ContentReader(this, range);
    this.#readers.add(reader);
    return reader;
  }

  /** Takes the body in; resolves when it has ended, whichever way. */
  async receive({ body, start, end, timeout }: Inflow): Promise<void> {
    const incoming = { position: start, end, body };
    this.#incoming.add(incoming);
    if (!this.#hasReceived) this.#parts.reporter.phaseChanged('idle', 'filling');
    this.#hasReceived = true;
    const leave = this.use();
    try {
      for (;;) {
        await this.#nearReader(incoming);
        // What is given up has not come to its end.
        if (!this.#incoming.has(incoming)) return;
        const bytes = await this.#read(body, timeout);
        if (bytes === null) break;
        const pressure = this.#presence.write(incoming.position, bytes);
        this.#parts.reporter.received(incoming.position, bytes.length);
        incoming.position += bytes.length;
        this.#wake();
        if (pressure !== undefined) await this.#written(pressure, timeout);
      }
      if (end !== null && incoming.position < end) throw cut();
      if (this.#representation.length === null) this.describe({ ...this.#representation, length: incoming.position });
    } catch (error) {
      if (this.#incoming.has(incoming)) {
        if (!(error instanceof ProxyError)) throw error;
        this.#failed = new FillFailed({ kind: 'error', error });
      }
    } finally {
      body.cancel();
      this.#incoming.delete(incoming);
      this.#wake();
      leave();
    }
  }

  // What its readers need.

  get now(): number {
    return this.#parts.clock.now();
  }

  take(reader: ContentReader, signal: AbortSignal, ahead: boolean): Taken | null {
    const { start, end } = clipTo({ start: reader.position, end: reader.end }, this.#representation.length);
    return this.#presence.take(start, end, signal, ahead ? 'ahead' : 'next');
  }

  useFile(reader: ContentReader, most: number, use: (part: FilePart) => number): number | null {
    const { start, end } = clipTo({ start: reader.position, end: reader.end }, this.#representation.length);
    return this.#presence.useFile(start, Math.min(end, start + most), use);
  }

  async arrival(reader: ContentReader, signal: AbortSignal): Promise<'bytes' | 'end'> {
    for (;;) {
      const { start, end } = clipTo({ start: reader.position, end: reader.end }, this.#representation.length);
      if (start >= end) return 'end';
      if (this.#presence.present.runEnd(start) > start) return 'bytes';
      if (!this.#brings({ start, end: start + 1 }))
        throw this.#failed ?? new FillFailed({ kind: 'error', error: cut() });
      await untilAborted(this.#change.promise, signal);
    }
  }

  moved(): void {
    this.#presence.attend([...this.#readers].map(({ position }) => position));
    this.#wake();
  }

  leave(reader: ContentReader): void {
    if (!this.#readers.delete(reader)) return;
    if (this.#readers.size === 0) {
      for (const { body } of this.#incoming) body.cancel();
      this.#incoming.clear();
    }
    this.moved();
  }

  /** Whether a body that is on its way will bring all of it. */
  #brings({ start, end }: OpenRange): boolean {
    const from = Math.max(start, this.#presence.present.runEnd(start));
    return [...this.#incoming].some(({ position, end: last }) => {
      return from >= position && (last === null || (end ?? this.#representation.length ?? last) <= last);
    });
  }

  async #nearReader(incoming: Incoming): Promise<void> {
    const isNear = () => [...this.#readers].some((reader) => incoming.position - reader.position < windowBytes);
    while (this.#incoming.has(incoming) && !isNear()) await this.#change.promise;
  }

  async #read(body: OriginBody, timeout: number): Promise<Buffer | null> {
    let late: ProxyError | null = null;
    const silent = this.#parts.clock.after(timeout, () => {
      late = new ProxyError('connection_read_timeout', 'The origin fell silent.', { setting: 'healTimeout' });
      body.cancel();
    });
    try {
      return await body.read();
    } catch (error) {
      throw late ?? error;
    } finally {
      silent.cancel();
    }
  }

  /** Waits until the store takes more. */
  async #written(pressure: Promise<void>, limit: number): Promise<void> {
    const late = () => {
      const message = `The disk took no bytes within ${(limit / 1000).toFixed(1)} s.`;
      return new ProxyError('proxy_internal_response', message, { setting: 'healTimeout', retryAfter: 5 });
    };
    await within({ clock: this.#parts.clock, limit, late, signal: never }, (inTime) => untilAborted(pressure, inTime));
  }

  #wake(): void {
    const { resolve } = this.#change;
    this.#change = Promise.withResolvers();
    resolve();
  }
}

/** One request's position in the content. */
export class ContentReader implements SessionReader {
  readonly #content: AnswerContent;
  #position: number;
  #end: number | null;
  #waitingSince: number | null = null;
  #waited = false;

  constructor(content: AnswerContent, { start, end }: OpenRange) {
    this.#content = content;
    this.#position = start;
    this.#end = end;
  }

  get position(): number {
    return this.#position;
  }

  get end(): number | null {
    return this.#end;
  }

  get waited(): boolean {
    return this.#waited;
  }

  get waitingSince(): number | null {
    return this.#waitingSince;
  }

  async arrival(signal: AbortSignal): Promise<'bytes' | 'end'> {
    this.#waitingSince = this.#content.now;
    this.#waited = true;
    try {
      return await this.#content.arrival(this, signal);
    } finally {
      this.#waitingSince = null;
    }
  }

  take(signal: AbortSignal): Taken | null {
    return this.#take(signal, false);
  }

  takeAhead(signal: AbortSignal): Taken | null {
    return this.#take(signal, true);
  }

  useFile(most: number, use: (part: FilePart) => number): number | null {
    const used = this.#content.useFile(this, most, use);
    if (used !== null && used > 0) {
      this.#position += used;
      this.#content.moved();
    }
    return used;
  }

  aim({ start, end }: OpenRange): void {
    this.#position = start;
    this.#end = end;
    this.#content.moved();
  }

  rewind(position: number): void {
    this.aim({ start: position, end: this.#end });
  }

  leave(): void {
    this.#content.leave(this);
  }

  #take(signal: AbortSignal, ahead: boolean): Taken | null {
    const taken = this.#content.take(this, signal, ahead);
    if (taken !== null) {
      this.#position = taken.end;
      this.#content.moved();
    }
    return taken;
  }
}

function cut(): ProxyError {
  return new ProxyError('http_response_incomplete', 'The body of the answer broke off.');
}
