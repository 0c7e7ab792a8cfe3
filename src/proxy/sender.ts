/**
 * Sends a reader's bytes to a client: wait, read, write, await the client. What is in the page cache is neither read nor
 * written here: the system sends it (`file-sender.ts`).
 *
 * Reading from disk overlaps with writing while the client is quick. A slow or paused client holds no more than it was
 * sent last (256 KiB), and none of the memory for reading that all clients share. So nobody else waits for it.
 * It gives back whatever it took when it is disposed of, however the reply ended.
 */
import { addAbortListener } from 'node:events';
import type { Writable } from 'node:stream';
import { FillFailed, type SessionReader, type Slice, StoreError, type Taken } from '../cache/read-session.ts';
import { type Clock, nextTurn } from '../clock.ts';
import { ProxyError } from '../errors.ts';
import type { ByteSource } from '../events.ts';
import { type FileSender, mostAtOnce } from './file-sender.ts';
import { ReadsAhead } from './reads-ahead.ts';
import { SendBuffer } from './send-buffer.ts';
import type { StalledClients } from './stalled-clients.ts';

/** Reads that may be under way for a quick client. */
const mostReads = 3;

export interface SenderParts {
  readonly reader: SessionReader;
  readonly client: Writable;
  /** Whether a buffer may be used again as soon as the client's stream says that it is written. */
  readonly lends: boolean;
  /** See `SendBufferParts`. */
  readonly drains?: boolean;
  /** `null` where everything is read and written. */
  readonly files: FileSender | null;
  /** Of the whole body, frames included, in bytes; `null` where the head does not say it. */
  readonly length: number | null;
  readonly clock: Clock;
  readonly stalled: StalledClients;
  /** Milliseconds that the store may take for the first bytes, and for those that follow. */
  readonly patience: { readonly first: number; readonly next: number };
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
  /** Called for each piece as it goes out. */
  onSent(bytes: number, source: ByteSource, offset: number): void;
}

/** To be disposed of in the function that made it. */
export class Sender implements Disposable {
  readonly #parts: SenderParts;
  /** Ends every read that is under way; `null` as long as nothing is read. */
  #reading: { readonly stop: AbortController; readonly listening: Disposable } | null = null;
  readonly #reads: ReadsAhead;
  readonly #buffer: SendBuffer;
  /** The first bytes, until the head is out. */
  #first: { readonly read: Taken; readonly slice: Slice } | null = null;
  #begun = false;
  /** The end of the body, which goes out with the end of the reply. */
  last: Buffer | null = null;
  /** Bytes of the body that have gone out. */
  #sent = 0;
  /** What files have given since others had their turn. */
  #sentInTurn = 0;

  constructor(parts: SenderParts) {
    this.#parts = parts;
    const { reader, files } = parts;
    const isSpared = () => files?.has(reader) ?? false;
    this.#reads = new ReadsAhead(reader, () => this.#stop.signal, isSpared);
    this.#buffer = new SendBuffer(parts, () => this.#reads.drop());
  }

  /**
   * Reads the first bytes, so that the head goes out only when they are at hand; `null`: they are. Rejects with `FillFailed`
   * or the signal's reason, as everything here.
   */
  begin(): Promise<void> | null {
    return this.#parts.files?.begin(this.#parts.reader) ? null : this.#begin();
  }

  async #begin(): Promise<void> {
    const { reader, files, signal } = this.#parts;
    for (;;) {
      this.#reads.fill(1);
      const read = this.#reads.first;
      const slice = read === null ? null : await this.#settle();
      if (read !== null && slice !== null) {
        this.#first = { read, slice };
        return;
      }
      if (read === null && (await reader.arrival(signal)) === 'end') return;
      if (files?.begin(reader)) return;
    }
  }

  /** Sends everything up to the reader's end; resolves when the client has taken it. `null`: the system has, already. */
  send(): Promise<void> | null {
    let sent: boolean | Promise<void> = this.#first === null;
    while (sent === true && !this.#isAtEnd) sent = this.#sendFile();
    return sent === true ? null : this.#send(sent || null);
  }

  /** Goes on when the client may take more. */
  async #send(taking: Promise<void> | null): Promise<void> {
    const { reader, files, signal } = this.#parts;
    const buffer = this.#buffer;
    try {
      if (taking !== null) await taking;
      if (this.#first !== null) {
        const { read, slice } = this.#first;
        this.#first = null;
        this.#write(slice, read);
      }
      for (;;) {
        if (this.#isAtEnd && this.#reads.first === null) break;
        // A slow client gets one piece after another, a quick one the next before the last is out.
        if (!buffer.isQuick && !buffer.isEmpty) {
          await buffer.progress();
          continue;
        }
        if (this.#reads.first === null) {
          const sent = buffer.isEmpty && this.#sendFile();
          if (sent !== false) {
            if (sent !== true) await sent;
            continue;
          }
          // The system's turn comes when what was written is out.
          if (!buffer.isEmpty && files?.has(reader)) {
            await buffer.progress();
            continue;
          }
        }
        this.#reads.fill(buffer.isQuick ? mostReads : 1);
        const read = this.#reads.first;
        if (read === null) {
          if ((await reader.arrival(signal)) === 'end') break;
        } else if (buffer.hasRoomFor(read.end - read.start)) {
          const slice = await this.#settle();
          if (slice !== null) this.#write(slice, read);
        } else {
          await buffer.progress();
        }
      }
    } catch (error) {
      // Everything that was sent goes out before the client learns that there is no more.
      await buffer.emptied();
      throw error;
    }
    await buffer.emptied();
  }

  /** Sends bytes that are no content, such as the frame of a part. */
  async sendFrame(bytes: Buffer): Promise<void> {
    this.#count(bytes.length);
    this.#buffer.sendFrame(bytes);
    await this.#buffer.emptied();
  }

  /** Throws where the body has become shorter than its head says. */
  assertWhole(): void {
    const { length } = this.#parts;
    if (length !== null && this.#sent !== length) throw wrongLength(length, this.#sent);
  }

  [Symbol.dispose](): void {
    this.#reading?.listening[Symbol.dispose]();
    this.#reads.drop();
    this.#first?.slice.release();
    this.#first = null;
    this.#reading?.stop.abort(over);
  }

  get #stop(): AbortController {
    if (this.#reading === null) {
      const { signal } = this.#parts;
      const stop = new AbortController();
      this.#reading = { stop, listening: addAbortListener(signal, () => stop.abort(signal.reason)) };
    }
    return this.#reading.stop;
  }

  /** Known without a wait. */
  get #isAtEnd(): boolean {
    const { end, position } = this.#parts.reader;
    return end !== null && position >= end;
  }

  /** Lets the system send what comes next: whether it could. A promise resolves when the client may take more. */
  #sendFile(): boolean | Promise<void> {
    const { files, reader, length, signal, onSent } = this.#parts;
    signal.throwIfAborted();
    const start = reader.position;
    const sent = files?.send(reader, (length ?? Number.POSITIVE_INFINITY) - this.#sent) ?? null;
    if (sent === null) return false;
    const { bytes, rest } = sent;
    this.#begun = true;
    if (bytes > 0) {
      this.#count(bytes);
      onSent(bytes, 'page-cache', start);
    }
    this.#sentInTurn += bytes;
    if (rest !== null && this.#sent + rest.length === length) {
      this.#count(rest.length);
      this.last = rest;
      onSent(rest.length, 'store', start + bytes);
    } else if (rest !== null) {
      this.#write({ bytes: rest, release() {} }, { start: start + bytes, source: 'store' });
      this.#sentInTurn = 0;
      return this.#buffer.progress();
    } else if (this.#sentInTurn >= mostAtOnce) {
      this.#sentInTurn = 0;
      return nextTurn();
    }
    return true;
  }

  /** Takes over the slice. */
  #write(slice: Slice, read: Pick<Taken, 'source' | 'start'>): void {
    try {
      this.#count(slice.bytes.length);
    } catch (error) {
      slice.release();
      throw error;
    }
    this.#buffer.send(slice, read);
  }

  /** Throws where the body would become longer than its head says. */
  #count(bytes: number): void {
    this.#sent += bytes;
    const { length } = this.#parts;
    if (length !== null && this.#sent > length) throw wrongLength(length, this.#sent);
  }

  /** The bytes of the first read; `null` where the store could not give them, so that they must be fetched again. */
  async #settle(): Promise<Slice | null> {
    const { clock, patience, signal } = this.#parts;
    const limit = this.#begun ? patience.next : patience.first;
    const isThere = !(this.#reads.first?.slice instanceof Promise);
    const late = isThere ? null : clock.after(limit, () => this.#stop.abort(new Error('the store took too long')));
    try {
      const slice = await this.#reads.settleFirst();
      this.#begun ||= slice !== null;
      return slice;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (this.#stop.signal.aborted && error instanceof StoreError) throw tooLate(error, limit);
      throw error;
    } finally {
      late?.cancel();
    }
  }
}

/** Why reads end that nobody waits for. */
const over = new Error('the sender is over');

function wrongLength(announced: number, sent: number): Error {
  return new Error(`A body of ${announced} bytes would have become one of ${sent} bytes.`);
}

function tooLate({ code }: StoreError, limit: number): FillFailed {
  const waited = `within ${(limit / 1000).toFixed(1)} s`;
  const error =
    code === 'ENOBUFS'
      ? new ProxyError('proxy_internal_response', `No memory to read from disk came free ${waited}.`, {
          setting: 'bufferMemory',
          retryAfter: 5,
        })
      : new ProxyError('proxy_internal_response', `The disk did not answer ${waited}.`, { retryAfter: 5 });
  return new FillFailed({ kind: 'error', error }, null, true);
}
