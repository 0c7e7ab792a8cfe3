/**
 * Reads from disk: few run at once, and each needs a buffer. Both are taken here and given back here.
 *
 * Whoever gives a read up waits no longer. But the system may write into the buffer until the read has ended; only then
 * it makes room for another.
 */
import { untilAborted } from '../../until-aborted.ts';
import { gaveNothing, type Slice, StoreError } from '../store.ts';
import type { BufferPool, Loan } from './buffer-pool.ts';
import { Semaphore } from './semaphore.ts';

/**
 * How many run at once: two for each of the threads that libuv gives to files. With more of them each would only end
 * later, the first byte of whoever has just come included.
 */
const mostReads = 8;

/** Reads into the buffer, and resolves with that part of it which holds what was asked for. */
type ReadInto = (buffer: Buffer) => Promise<Buffer>;

export class DiskReads {
  readonly pool: BufferPool;
  readonly #running = new Semaphore(mostReads);

  constructor(pool: BufferPool) {
    this.pool = pool;
  }

  /**
   * Rejects with a `StoreError`: that of `readInto`; or as soon as `signal` aborts, with the code `ENOBUFS` where it waited
   * for a buffer, else `ETIMEDOUT`. Readers who have had nothing yet (`isFirst`) go before all others.
   */
  async read(readInto: ReadInto, signal: AbortSignal, isFirst = false): Promise<Slice> {
    const endRead = await this.#running.acquire(signal, isFirst).catch((error: unknown) => {
      throw gaveNothing(error);
    });
    let loan: Loan;
    try {
      loan = await this.pool.acquire(signal);
    } catch (error) {
      endRead();
      throw error;
    }
    return this.#run(readInto, loan, endRead, signal);
  }

  /** The same for who does not need it yet: `null` where others need that more. */
  readSpare(readInto: ReadInto, signal: AbortSignal): Promise<Slice> | null {
    const endRead = this.#running.acquireNow();
    const loan = endRead && this.pool.acquireSpare();
    if (endRead !== null && loan !== null) return this.#run(readInto, loan, endRead, signal);
    endRead?.();
    return null;
  }

  /** The loan becomes the slice's, or is given back. */
  async #run(readInto: ReadInto, loan: Loan, endRead: () => void, signal: AbortSignal): Promise<Slice> {
    const { buffer, release, cede } = loan;
    const reading = readInto(buffer).finally(endRead);
    let isLent = false;
    try {
      const bytes = await untilAborted(reading, signal);
      isLent = true;
      return { bytes, release, cede };
    } catch (error) {
      throw error instanceof StoreError ? error : gaveNothing(error);
    } finally {
      if (!isLent) reading.then(release, release);
    }
  }
}
