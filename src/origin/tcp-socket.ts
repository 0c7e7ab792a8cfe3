/**
 * TCP sockets to origins. One that nobody else puts anything on reads into memory of our own, which takes up to four
 * times as much at once as Node's, so that less is done for each byte of a fast film (docs/decisions/0034).
 */
import { connect, type OnReadOpts, type Socket } from 'node:net';

interface Address {
  /** An IP address. */
  readonly host: string;
  readonly port: number;
}

/** The memory for one read: what comes first is to go on at once, and what fills it gets twice as much for the next. */
const leastRead = 64 * 1024;
const mostRead = 256 * 1024;

const options = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 };

export function openSocket(address: Address): Socket {
  return connect({ ...address, ...options });
}

/** The same, which gives what it reads by 'data' alone: nothing can be read from it in another way, or put back. */
export function openWide(address: Address): Socket {
  return connect({ ...address, ...options, onread: wideReads() });
}

function wideReads(): OnReadOpts {
  let memory = Buffer.alloc(0);
  let size = leastRead;
  return {
    buffer() {
      if (memory.length < size / 2) memory = Buffer.allocUnsafeSlow(size);
      return memory;
    },
    callback(this: Socket, count: number) {
      const bytes = memory.subarray(0, count);
      memory = memory.subarray(count);
      size = memory.length === 0 ? Math.min(2 * size, mostRead) : Math.max(size / 2, leastRead);
      // Whoever speaks before anybody listens speaks no HTTP.
      if (!this.emit('data', bytes)) this.destroy();
      return true;
    },
  } as OnReadOpts;
}
