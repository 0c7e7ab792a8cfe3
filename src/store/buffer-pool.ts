/**
 * Buffers of one size, lent to readers and taken back: what bounds the memory of reading from disk.
 *
 * A buffer is allocated when there is no idle one, up to the limit; after that whoever asks waits in line, as long as
 * its signal lets it. Buffers are never returned to the system, since a busy proxy would only ask for them again.
 *
 *     idle ─▶ lent ─▶ idle           (given back: nobody looks at it any more)
 *               └──▶ ceded ─▶ idle   (left with somebody who may look at it for ever: another takes its place here; it
 *                                     comes back where there is room, or is garbage when the last has let go of it)
 */
import type { Clock } from '../clock.ts';
import type { BufferWaitOutcome } from '../events.ts';
import { StoreError } from './store.ts';

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
  take(signal: AbortSignal): Promise<Buffer>;
  /** The same at once, for who can do without: `null` unless half of all buffers are there for those who can't. */
  takeSpare(): Buffer | null;
  /** Takes back a buffer that nobody looks at any more, were it ceded before; harmless when repeated. */
  giveBack(buffer: Buffer): void;
  /** Counts a borrowed buffer no longer: it is left with somebody; harmless when repeated. */
  cede(buffer: Buffer): void;
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
  const lent = new Set<Buffer>();
  const ceded = new WeakSet<Buffer>();
  const waiters = new Set<(buffer: Buffer) => void>();

  function lend(): Buffer | null {
    if (lent.size >= most) return null;
    const buffer = idle.pop() ?? Buffer.allocUnsafeSlow(size);
    lent.add(buffer);
    return buffer;
  }

  function serve(): void {
    for (const give of waiters) {
      const buffer = lend();
      if (buffer === null) return;
      waiters.delete(give);
      give(buffer);
    }
  }

  async function waitFor(signal: AbortSignal): Promise<Buffer> {
    const since = clock.now();
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const onAbort = () => {
      // Out of the line at once: what is given back in the same turn is not for one who has left.
      waiters.delete(resolve);
      reject(new StoreError('ENOBUFS', 'No memory to read from disk came free.', signal.reason));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    waiters.add(resolve);
    let outcome: BufferWaitOutcome = 'given up';
    try {
      const buffer = await promise;
      outcome = 'given';
      return buffer;
    } finally {
      waiters.delete(resolve);
      signal.removeEventListener('abort', onAbort);
      onWaited(outcome, clock.now() - since);
    }
  }

  return {
    size,
    get lent() {
      return lent.size;
    },
    get waiting() {
      return waiters.size;
    },
    async take(signal) {
      if (signal.aborted) throw new StoreError('ENOBUFS', 'Nobody waits for what was to be read.', signal.reason);
      return (waiters.size === 0 ? lend() : null) ?? waitFor(signal);
    },
    takeSpare: () => (lent.size < most / 2 ? lend() : null),
    giveBack(buffer) {
      const isRoom = lent.delete(buffer) || (ceded.delete(buffer) && idle.length + lent.size < most);
      if (isRoom) idle.push(buffer);
      serve();
    },
    cede(buffer) {
      if (!lent.delete(buffer)) return;
      ceded.add(buffer);
      serve();
    },
  };
}
