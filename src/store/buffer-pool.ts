/**
 * Buffers of one size, lent to readers and taken back: what bounds the memory of reading from disk.
 *
 * A buffer is allocated when there is no idle one, up to the limit; after that whoever asks waits in line. Buffers
 * are never returned to the system, since a busy proxy would only ask for them again.
 */
import type { Clock, Timer } from '../clock.ts';

export interface BufferPool {
  /** Of each buffer, in bytes. */
  readonly size: number;
  /** How many buffers are out. */
  readonly lent: number;
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
  clock: Clock;
  /** Called when somebody must wait for a buffer, and again each second while anybody does. */
  onStarved?: () => void;
}

interface Waiter {
  take(buffer: Buffer): void;
}

/** In milliseconds. */
const starvedInterval = 1000;

export function createBufferPool({ size, limit, clock, onStarved }: BufferPoolOptions): BufferPool {
  const most = Math.max(1, Math.floor(limit / size));
  const idle: Buffer[] = [];
  const waiters = new Set<Waiter>();
  let allocated = 0;
  let complaint: Timer | null = null;

  function complain() {
    complaint = null;
    if (waiters.size === 0) return;
    complaint = clock.after(starvedInterval, complain);
    onStarved?.();
  }

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
      if (complaint === null) complain();
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
