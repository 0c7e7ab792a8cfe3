/**
 * Reads from disk, each with one of few turns at it and a buffer: both are taken here, and here they are given back.
 *
 * Who gives a read up waits no longer. But the system may write into the buffer until the read has ended, and only then
 * are buffer and turn somebody else's.
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
  readonly #turns = new Semaphore(mostReads);

  constructor(pool: BufferPool) {
    this.pool = pool;
  }

  /**
   * Rejects with a `StoreError`: as `readInto` does, and as soon as `signal` aborts with the code `ENOBUFS` where there
   * was no buffer, else `ETIMEDOUT`. Where many wait, those go before the others who have had nothing yet (`isFirst`).
   */
  async read(readInto: ReadInto, signal: AbortSignal, isFirst = false): Promise<Slice> {
    const endTurn = await this.#turns.acquire(signal, isFirst).catch((error: unknown) => {
      throw gaveNothing(error);
    });
    let loan: Loan;
    try {
      loan = await this.pool.acquire(signal);
    } catch (error) {
      endTurn();
      throw error;
    }
    return this.#run(readInto, loan, endTurn, signal);
  }

  /** The same for who does not need it yet: `null` where others may need the turn or the buffer more. */
  readSpare(readInto: ReadInto, signal: AbortSignal): Promise<Slice> | null {
    const endTurn = this.#turns.acquireNow();
    const loan = endTurn && this.pool.acquireSpare();
    if (endTurn !== null && loan !== null) return this.#run(readInto, loan, endTurn, signal);
    endTurn?.();
    return null;
  }

  /** The loan becomes the slice's, or is given back. */
  async #run(readInto: ReadInto, loan: Loan, endTurn: () => void, signal: AbortSignal): Promise<Slice> {
    const { buffer, release, cede } = loan;
    const reading = readInto(buffer).finally(endTurn);
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
