/**
 * Buffers of one size, lent to readers and taken back: what bounds the memory of reading from disk.
 *
 * A buffer is allocated when there is no idle one, up to the limit; after that whoever asks waits in line. Buffers
 * are never returned to the system, since a busy proxy would only ask for them again.
 */

export interface BufferPool {
  /** Of each buffer, in bytes. */
  readonly size: number;
  /** How many buffers are out. */
  readonly lent: number;
  /** How many wait for one. */
  readonly waiting: number;
  /** Borrows a buffer with unspecified content, in order of asking; rejects with the signal's reason on abort. */
  take(signal?: AbortSignal): Promise<Buffer>;
  /** Takes a borrowed buffer back, exactly once. */
  giveBack(buffer: Buffer): void;
}

export interface BufferPoolOptions {
  /** Of each buffer, in bytes. */
  size: number;
  /** Of all buffers together, in bytes; one buffer is always granted. */
  limit: number;
}

interface Waiter {
  take(buffer: Buffer): void;
}

export function createBufferPool({ size, limit }: BufferPoolOptions): BufferPool {
  const most = Math.max(1, Math.floor(limit / size));
  const idle: Buffer[] = [];
  const waiters = new Set<Waiter>();
  let allocated = 0;

  function takeIdle(): Buffer | undefined {
    if (idle.length > 0) return idle.pop();
    if (allocated === most) return undefined;
    allocated += 1;
    return Buffer.allocUnsafeSlow(size);
  }

  return {
    size,
    get lent() {
      return allocated - idle.length;
    },
    get waiting() {
      return waiters.size;
    },
    async take(signal) {
      signal?.throwIfAborted();
      const buffer = takeIdle();
      if (buffer !== undefined) return buffer;
      const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
      const waiter: Waiter = {
        take(given) {
          signal?.removeEventListener('abort', leave);
          resolve(given);
        },
      };
      function leave() {
        waiters.delete(waiter);
        reject(signal?.reason);
      }
      signal?.addEventListener('abort', leave, { once: true });
      waiters.add(waiter);
      return promise;
    },
    giveBack(buffer) {
      const [next] = waiters;
      if (next === undefined) {
        idle.push(buffer);
        return;
      }
      waiters.delete(next);
      next.take(buffer);
    },
  };
}
