/**
 * The bytes that were sent to one client and have not gone out yet: at most 256 KiB, and whether the client keeps up.
 *
 * A stream may never call the callback of a write: it was destroyed a moment ago, its other half was closed, or it belongs
 * to a paused film. So nothing here waits for the callback to give a buffer back. The store stops counting a buffer when
 * it is written to the stream (`cede`), and uses it again only after the callback came without an error. That is safe for
 * a socket of the system alone: libuv has then copied the bytes to the kernel. Until then it reads them from this very
 * buffer, also after the reply is over and until the handle is closed. A buffer whose callback never comes is garbage
 * together with its socket. Any other stream may pass a buffer on by reference and call it written (`stream.duplexPair`
 * does): it gets a copy.
 */
import type { Writable } from 'node:stream';
import type { Slice, Taken } from '../cache/read-session.ts';
import type { Clock } from '../clock.ts';
import type { ByteSource } from '../events.ts';
import { untilAborted } from '../until-aborted.ts';
import type { StalledClients } from './stalled-clients.ts';

/** The most bytes that may be on their way to one client. */
export const mostUnsent = 256 * 1024;

/** A client that takes longer than this for a piece is slow. */
const quickMs = 250;

export interface SendBufferParts {
  readonly client: Writable;
  readonly lends: boolean;
  /**
   * Whether a write is out as soon as the stream wants more: another's server may have put something around its replies
   * that calls no callback of a write, such as a compression.
   */
  readonly drains?: boolean;
  readonly clock: Clock;
  readonly stalled: StalledClients;
  readonly signal: AbortSignal;
  onSent(bytes: number, source: ByteSource, offset: number): void;
}

export class SendBuffer {
  readonly #parts: SendBufferParts;
  readonly #onSlow: () => void;
  #unsent = 0;
  #hasBegun = false;
  #resume = () => {};
  isQuick = true;

  /** `onSlow` is called when the client turns out to be slow. */
  constructor(parts: SendBufferParts, onSlow: () => void) {
    this.#parts = parts;
    this.#onSlow = onSlow;
    if (parts.drains) parts.client.on('drain', () => this.#out());
  }

  /** Whether everything has gone out. */
  get isEmpty(): boolean {
    return this.#unsent === 0;
  }

  hasRoomFor(bytes: number): boolean {
    return this.isEmpty || this.#unsent + bytes <= mostUnsent;
  }

  /** Takes over the slice, and gives it back on every way out. Throws the signal's reason. */
  send(slice: Slice, { source, start }: Pick<Taken, 'source' | 'start'>): void {
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

  /** Resolves when one piece has gone out. A client that takes long for it counts as slow from then on. */
  async progress(): Promise<void> {
    const { client, clock, stalled } = this.#parts;
    const since = clock.now();
    const slow = clock.after(quickMs, () => {
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
    this.isQuick = clock.now() - since < quickMs;
  }

  /** Resolves when everything has gone out. */
  async emptied(): Promise<void> {
    while (!this.isEmpty) await this.progress();
  }

  #write(bytes: Buffer, release: () => void): void {
    const { client, drains = false } = this.#parts;
    const { length } = bytes;
    // The client waits for the first bytes: `node:http` would gather until all else of the turn is done.
    const isFirst = !this.#hasBegun;
    this.#hasBegun = true;
    this.#unsent += length;
    if (isFirst) client.cork();
    try {
      const wantsMore = client.write(bytes, (error) => {
        if (error || drains) return;
        release();
        this.#out(length);
      });
      if (drains && wantsMore) this.#out();
    } catch (error) {
      this.#unsent -= length;
      throw error;
    } finally {
      if (isFirst) client.uncork();
    }
  }

  #out(bytes = this.#unsent): void {
    this.#unsent -= bytes;
    this.#resume();
  }

  #oneWritten(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#resume = resolve;
    return untilAborted(promise, this.#parts.signal);
  }
}
