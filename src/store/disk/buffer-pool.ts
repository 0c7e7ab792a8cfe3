/**
 * Buffers of one size, lent to readers: what bounds the memory of reading from disk.
 *
 * A buffer is allocated when there is no idle one, up to the limit; after that whoever asks waits in line, as long as
 * its signal lets it. Buffers are never returned to the system, since a busy proxy would only ask for them again.
 *
 *     idle ─▶ lent ─▶ idle           (given back: nobody looks at it any more)
 *               └──▶ ceded ─▶ idle   (left with somebody who may look at it for ever: another takes its place here; it
 *                                     comes back where there is room, or is garbage when the last has let go of it)
 */
import type { Clock } from '../../clock.ts';
import type { BufferWaitOutcome } from '../../events.ts';
import { WaitQueue } from '../../kit/wait-queue.ts';
import { StoreError } from '../store.ts';

/** One borrowed buffer; each call ends it once, whoever has been lent the same buffer since. */
export interface Loan {
  readonly buffer: Buffer;
  /** Nobody looks at the buffer any more; also after it was ceded. */
  release(): void;
  /** The buffer is left with somebody who may look at it for ever: it counts no longer. */
  cede(): void;
}

export interface BufferPool {
  /** Of each buffer, in bytes. */
  readonly size: number;
  /** How many buffers are out. */
  readonly lent: number;
  /** How many wait for one. */
  readonly waiting: number;
  /**
   * Borrows a buffer with unspecified content, in order of asking. Where `signal` aborts before there is one it rejects
   * with a `StoreError` of the code `ENOBUFS`.
   */
  acquire(signal: AbortSignal): Promise<Loan>;
  /** The same at once, for who can do without: `null` unless half of all buffers are there for those who can't. */
  acquireSpare(): Loan | null;
}

export interface BufferPoolOptions {
  /** Of each buffer, in bytes. */
  size: number;
  /** Of all buffers together, in bytes; one buffer is always granted. */
  limit: number;
  clock: Clock;
  /** Called when a wait has ended, with its duration in milliseconds. */
  onWaited?: (outcome: BufferWaitOutcome, duration: number) => void;
}

export function createBufferPool({ size, limit, clock, onWaited = () => {} }: BufferPoolOptions): BufferPool {
  const most = Math.max(1, Math.floor(limit / size));
  const idle: Buffer[] = [];
  const waiting = new WaitQueue<Loan>();
  let lent = 0;

  function lend(): Loan | null {
    if (lent >= most) return null;
    const buffer = idle.pop() ?? Buffer.allocUnsafeSlow(size);
    lent += 1;
    let state: 'lent' | 'ceded' | 'over' = 'lent';
    return {
      buffer,
      release() {
        if (state === 'over') return;
        if (state === 'lent') lent -= 1;
        state = 'over';
        if (idle.length + lent < most) idle.push(buffer);
        waiting.serve(lend);
      },
      cede() {
        if (state !== 'lent') return;
        state = 'ceded';
        lent -= 1;
        waiting.serve(lend);
      },
    };
  }

  async function waitFor(signal: AbortSignal): Promise<Loan> {
    const since = clock.now();
    let outcome: BufferWaitOutcome = 'given up';
    try {
      const loan = await waiting.wait(undefined, signal);
      outcome = 'given';
      return loan;
    } catch (error) {
      throw new StoreError('ENOBUFS', 'No memory to read from disk came free.', error);
    } finally {
      onWaited(outcome, clock.now() - since);
    }
  }

  return {
    size,
    get lent() {
      return lent;
    },
    get waiting() {
      return waiting.size;
    },
    async acquire(signal) {
      if (signal.aborted) throw new StoreError('ENOBUFS', 'Nobody waits for what was to be read.', signal.reason);
      return (waiting.size === 0 ? lend() : null) ?? waitFor(signal);
    },
    acquireSpare: () => (lent < most / 2 ? lend() : null),
  };
}
