/**
 * What one client has been given and has not taken: at most 256 KiB, and how it keeps up.
 *
 * Its stream may never say that something is written: it was destroyed a moment ago, its other half was closed, it
 * belongs to a film that is paused. So nothing here waits for that word to give anything back. The store counts memory
 * no longer from the moment at which it is written (`cede`), and it is used again only after the stream has said, without
 * an error, that this piece is out. That holds for a socket of the system alone: libuv has then copied the bytes to the
 * kernel, and while they wait in its queue it reads them where they are, also when the reply that they belong to is over
 * and until the handle is closed. Memory of which the word never comes is garbage when the socket is. Any other stream
 * may pass a buffer on by reference and call it written (`stream.duplexPair` does): it gets a copy.
 */
import type { Writable } from 'node:stream';
import type { Slice, Taken } from '../cache/read-session.ts';
import type { Clock } from '../clock.ts';
import type { ByteSource } from '../events.ts';
import { untilAborted } from '../until-aborted.ts';
import type { StalledClients } from './stalled-clients.ts';

/** Bytes that may be on their way to one client. */
export const mostUnsent = 256 * 1024;

/** A client that takes longer than this for what it was given is a slow one, in milliseconds. */
const quick = 250;

export interface SendBufferParts {
  readonly client: Writable;
  readonly lends: boolean;
  readonly clock: Clock;
  readonly stalled: StalledClients;
  readonly signal: AbortSignal;
  onSent(bytes: number, source: ByteSource, offset: number): void;
}

export class SendBuffer {
  readonly #parts: SendBufferParts;
  readonly #onSlow: () => void;
  #unsent = 0;
  #resume: (() => void) | null = null;
  isQuick = true;

  /** `onSlow` is called when the client turns out to be a slow one. */
  constructor(parts: SendBufferParts, onSlow: () => void) {
    this.#parts = parts;
    this.#onSlow = onSlow;
  }

  /** Whether everything that it was given has gone out. */
  get isEmpty(): boolean {
    return this.#unsent === 0;
  }

  hasRoomFor(bytes: number): boolean {
    return this.isEmpty || this.#unsent + bytes <= mostUnsent;
  }

  /** Takes the slice over. Throws the signal's reason. */
  send(slice: Slice, { source, start }: Taken): void {
    const { signal, lends, onSent } = this.#parts;
    const { length } = slice.bytes;
    try {
      signal.throwIfAborted();
      if (lends) this.#write(slice.bytes, () => slice.release());
      else this.#write(Buffer.from(slice.bytes), () => {});
    } catch (error) {
      slice.cede?.();
      throw error;
    }
    if (lends) slice.cede?.();
    else slice.release();
    onSent(length, source, start);
  }

  sendFrame(bytes: Buffer): void {
    this.#parts.signal.throwIfAborted();
    this.#write(bytes, () => {});
  }

  /** Resolves when some of what is on its way has gone out; after a while of nothing the client is a slow one. */
  async progress(): Promise<void> {
    const { client, clock, stalled } = this.#parts;
    const since = clock.now();
    const slow = clock.after(quick, () => {
      this.isQuick = false;
      this.#onSlow();
      stalled.add(client);
    });
    try {
      await this.#oneWritten();
    } finally {
      slow.cancel();
      stalled.remove(client);
    }
    this.isQuick = clock.now() - since < quick;
  }

  /** Resolves when all of it has gone out. */
  async emptied(): Promise<void> {
    while (!this.isEmpty) await this.progress();
  }

  #write(bytes: Buffer, release: () => void): void {
    const { length } = bytes;
    this.#unsent += length;
    try {
      this.#parts.client.write(bytes, (error) => {
        if (error) return;
        release();
        this.#unsent -= length;
        this.#resume?.();
      });
    } catch (error) {
      this.#unsent -= length;
      throw error;
    }
  }

  async #oneWritten(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#resume = resolve;
    try {
      await untilAborted(promise, this.#parts.signal);
    } finally {
      this.#resume = null;
    }
  }
}
