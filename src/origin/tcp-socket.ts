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

/** The memory for one read, in bytes: what comes first is to go on at once, and what fills it gets twice as much for the next. */
const leastRead = 64 * 1024;
const mostRead = 256 * 1024;

/**
 * Listens to 'data'. Nobody may look at the bytes once `release` was called: the socket reads into their memory again. Where
 * it never is, the memory is left to whoever has it.
 */
export type ReadListener = (bytes: Buffer, release: () => void) => void;

const options = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 };

export function openSocket(address: Address): Socket {
  return connect({ ...address, ...options });
}

/** The same, which tells a `ReadListener` what it reads: nothing can be read from it in another way, or put back. */
export function openWide(address: Address): Socket {
  return connect({ ...address, ...options, onread: wideReads() });
}

function wideReads(): OnReadOpts {
  let size = leastRead;
  let memory: Buffer = Buffer.alloc(0);
  const spare: Buffer[] = [];
  return {
    buffer() {
      memory = spare.pop() ?? Buffer.allocUnsafeSlow(size);
      return memory;
    },
    callback(this: Socket, count: number) {
      const read = memory;
      if (count === size && size < mostRead) {
        size *= 2;
        spare.length = 0;
      }
      let isReleased = false;
      const release = () => {
        if (!isReleased && read.length === size) spare.push(read);
        isReleased = true;
      };
      // Whoever speaks before anybody listens speaks no HTTP.
      if (!this.emit('data', read.subarray(0, count), release)) this.destroy();
      return true;
    },
  } as OnReadOpts;
}
