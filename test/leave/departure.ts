/** Replies that are left: what is asked for, how much of the answer is read, and in what way the client goes then. */
import { connect, type Socket } from 'node:net';
import type { Chance } from '../faults/chance.ts';

/** With what a client closes its connection: a reset, a FIN that it follows up later, or both at once. */
export const goodbyes = ['reset', 'half-close', 'close'] as const;
export type Goodbye = (typeof goodbyes)[number];

export interface Departure {
  /** Sent at once: more than one are pipelined. */
  readonly requests: readonly string[];
  /** Bytes of the answers that are read before the client goes; 0: it goes as soon as it has asked. */
  readonly reads: number;
  readonly goodbye: Goodbye;
  /** Whether it first stops reading for a moment, so that unread bytes lie in every buffer on the way. */
  readonly stalls: boolean;
}

const MiB = 1024 * 1024;

/** What a request asks for, of a file of `size` bytes. */
function fieldsFor(chance: Chance, size: number): string {
  const start = () => chance.between(0, size - 1);
  const [from, other] = [start(), start()];
  return chance.one([
    () => '',
    () => `Range: bytes=${from}-\r\n`,
    () => `Range: bytes=${from}-\r\n`,
    () => `Range: bytes=${from}-${Math.min(size - 1, from + chance.about(1, MiB))}\r\n`,
    () => `Range: bytes=-${chance.about(1, MiB)}\r\n`,
    () => `Range: bytes=${Math.min(from, other)}-${Math.max(from, other)},0-99,${size - 1000}-\r\n`,
  ])();
}

export function departure(chance: Chance, path: string, size: number): Departure {
  const request = () =>
    `${chance.is(0.1) ? 'HEAD' : 'GET'} ${path} HTTP/1.1\r\nHost: localhost\r\n${fieldsFor(chance, size)}\r\n`;
  return {
    requests: chance.is(0.15) ? chance.many(2, 5, request) : [request()],
    reads: chance.is(0.2) ? 0 : chance.about(1, 2 * MiB),
    goodbye: chance.one(goodbyes),
    stalls: chance.is(0.1),
  };
}

/** For so long a client stalls, or lets its FIN be answered, in milliseconds. */
const moment = 20;

/** Asks, reads, and goes; resolves with what it read, when its end of the connection is closed. */
export function depart(port: number, { requests, reads, goodbye, stalls }: Departure): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const read: Buffer[] = [];
  let count = 0;
  const leave = () => {
    socket.pause().removeAllListeners('data');
    if (stalls) setTimeout(() => go(socket, goodbye), moment);
    else go(socket, goodbye);
  };
  socket.on('error', () => {});
  // Where the answers are shorter than it would read, it goes when it has them.
  const idle = setTimeout(leave, 2000);
  socket.once('close', () => {
    clearTimeout(idle);
    resolve(Buffer.concat(read));
  });
  socket.once('connect', () => {
    socket.write(requests.join(''), () => {
      if (reads === 0) leave();
    });
  });
  if (reads > 0) {
    socket.on('data', (bytes) => {
      read.push(bytes);
      count += bytes.length;
      if (count >= reads) leave();
    });
  }
  return promise;
}

function go(socket: Socket, goodbye: Goodbye): void {
  if (goodbye === 'reset') socket.resetAndDestroy();
  else if (goodbye === 'close') socket.destroy();
  else {
    socket.end();
    setTimeout(() => socket.destroy(), moment);
  }
}
