/**
 * Gives a reader's bytes to a client: wait, read, write, await the client.
 *
 * Reading from disk overlaps the writing while the client is quick; a slow or paused one holds no more than what it was
 * given last (256 KiB), and nobody waits for it but itself.
 */
import type { Writable } from 'node:stream';
import { type Reader, type Slice, StoreError, type Taken } from '../cache/visit.ts';
import type { Clock } from '../clock.ts';
import type { ByteSource } from '../events.ts';
import type { StalledClients } from './stalled-clients.ts';

/** Bytes that may be on their way to one client. */
const mostUnsent = 256 * 1024;

/** Reads that may be under way for a quick client. */
const mostReads = 3;

/** A client that takes longer than this for what it was given is a slow one, in milliseconds. */
const quick = 250;

export interface Delivery {
  readonly reader: Reader;
  readonly client: Writable;
  readonly clock: Clock;
  readonly stalled: StalledClients;
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
  /** Called for each piece as it goes out. */
  onSent(bytes: number, source: ByteSource, offset: number): void;
}

/** Sends everything up to the reader's end. Rejects with `FillFailed`, `StoreError` or the signal's reason. */
export async function deliver(delivery: Delivery): Promise<void> {
  const reads = new ReadsAhead(delivery.reader);
  const outlet = new Outlet(delivery, () => reads.drop());
  try {
    for (;;) {
      // A slow client is given one piece after another, a quick one the next before the last is out.
      if (!outlet.isQuick && !outlet.isEmpty) {
        await outlet.progress();
        continue;
      }
      reads.fill(outlet.isQuick ? mostReads : 1);
      const read = reads.first;
      if (read === null) {
        if ((await delivery.reader.arrival(delivery.signal)) === 'end') return;
      } else if (outlet.hasRoomFor(read.end - read.start)) {
        const slice = await reads.settleFirst();
        if (slice !== null) outlet.send(slice, read);
      } else {
        await outlet.progress();
      }
    }
  } catch (error) {
    // What the client was given goes out before it learns that there is no more.
    while (!outlet.isEmpty) await outlet.progress();
    throw error;
  } finally {
    reads.drop();
  }
}

/** Reads under way, in order. */
class ReadsAhead {
  readonly #reader: Reader;
  #taken: Taken[] = [];
  #failures = 0;

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  fill(most: number): void {
    while (this.#taken.length < most) {
      const taken = this.#reader.take();
      if (taken === null) return;
      // Its failure is looked at when its turn comes.
      if (taken.slice instanceof Promise) taken.slice.catch(() => {});
      this.#taken.push(taken);
    }
  }

  get first(): Taken | null {
    return this.#taken[0] ?? null;
  }

  /** The bytes of the first read; `null` where the store could not give them, so that they must be fetched again. */
  async settleFirst(): Promise<Slice | null> {
    const read = this.#taken.shift();
    if (read === undefined) return null;
    try {
      const slice = await read.slice;
      if (read.start + slice.bytes.length < read.end) {
        this.drop();
        this.#reader.rewind(read.start + slice.bytes.length);
      }
      return slice;
    } catch (error) {
      this.#failures += 1;
      if (!(error instanceof StoreError) || this.#failures > 100) throw error;
      this.drop();
      this.#reader.rewind(read.start);
      return null;
    }
  }

  /** Gives up what was read ahead. */
  drop(): void {
    const [first] = this.#taken;
    if (first === undefined) return;
    this.#reader.rewind(first.start);
    for (const { slice } of this.#taken) {
      Promise.resolve(slice).then(
        (unread) => unread.release(),
        () => {},
      );
    }
    this.#taken = [];
  }
}

/** Writes to the client, and knows how it keeps up. */
class Outlet {
  readonly #delivery: Delivery;
  readonly #onSlow: () => void;
  #unsent = 0;
  #resume: (() => void) | null = null;
  isQuick = true;

  constructor(delivery: Delivery, onSlow: () => void) {
    this.#delivery = delivery;
    this.#onSlow = onSlow;
  }

  /** Whether everything that it was given has gone out. */
  get isEmpty(): boolean {
    return this.#unsent === 0;
  }

  hasRoomFor(bytes: number): boolean {
    return this.isEmpty || this.#unsent + bytes <= mostUnsent;
  }

  send(slice: Slice, { source, start }: Taken): void {
    const { client, signal, onSent } = this.#delivery;
    if (signal.aborted) {
      slice.release();
      signal.throwIfAborted();
    }
    const { length } = slice.bytes;
    this.#unsent += length;
    client.write(slice.bytes, () => {
      slice.release();
      this.#unsent -= length;
      this.#resume?.();
    });
    onSent(length, source, start);
  }

  /** Resolves when some of what is on its way has gone out; after a while of nothing the client is a slow one. */
  async progress(): Promise<void> {
    const { client, clock, signal, stalled } = this.#delivery;
    const since = clock.now();
    const slow = clock.after(quick, () => {
      this.isQuick = false;
      stalled.add(client);
      this.#onSlow();
    });
    await this.#oneWritten(signal).finally(() => {
      slow.cancel();
      stalled.remove(client);
    });
    this.isQuick = clock.now() - since < quick;
  }

  #oneWritten(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const onAbort = () => reject(signal.reason);
      this.#resume = () => {
        this.#resume = null;
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}
