/** The reads from the store that are under way for one reply, in order. */
import { type SessionReader, type Slice, StoreError, type Taken } from '../cache/read-session.ts';

/** After this many failures in one reply the store counts as unreadable. */
const mostFailures = 100;

export class ReadsAhead {
  readonly #reader: SessionReader;
  readonly #signalOf: () => AbortSignal;
  readonly #isSpared: () => boolean;
  #taken: Taken[] = [];
  #failures = 0;

  /** `signalOf` gives what ends every read; `isSpared` says whether what comes next need not be read. */
  constructor(reader: SessionReader, signalOf: () => AbortSignal, isSpared: () => boolean) {
    this.#reader = reader;
    this.#signalOf = signalOf;
    this.#isSpared = isSpared;
  }

  /** Begins reads, until there are `most`; those after the first only while memory is plentiful. */
  fill(most: number): void {
    while (this.#taken.length < most) {
      if (this.#taken.length > 0 && this.#isSpared()) return;
      const signal = this.#signalOf();
      const taken = this.#taken.length === 0 ? this.#reader.take(signal) : this.#reader.takeAhead(signal);
      if (taken === null) return;
      // `settleFirst` looks at the failure when the read is the first.
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
      if (!(error instanceof StoreError) || this.#failures > mostFailures || this.#signalOf().aborted) throw error;
      this.drop();
      this.#reader.rewind(read.start);
      return null;
    }
  }

  /** Gives up everything that was read ahead; each buffer goes back to the store as soon as its read has ended. */
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
