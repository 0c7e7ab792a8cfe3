/** Replies that are left: what is asked for, how much of the answer is read, and in what way the client goes then. */
import { connect, type Socket } from 'node:net';
import type { Chance } from '../faults/chance.ts';

/** How a client goes: with a reset, with a FIN that it lets be answered for a moment, or as a process that ends. */
const goodbyes = ['reset', 'half-close', 'close'] as const;
type Goodbye = (typeof goodbyes)[number];

export interface Departure {
  /** Sent at once: more than one are pipelined. */
  readonly requests: readonly string[];
  /** Bytes of the answers that are read before the client goes; 0: it goes as soon as it has asked. */
  readonly reads: number;
  readonly goodbye: Goodbye;
  /** Whether it first stops reading for a moment, so that unread bytes lie in every buffer on the way. */
  readonly stalls: boolean;
}

const KiB = 1024;

/**
 * In milliseconds: how long a client stalls, or waits with a FIN sent; how long it waits for an answer; and after what
 * silence it has all that it asked for.
 */
const moment = 10;
const patience = 5000;
const silence = 100;

/** A request for some of a file of `size` bytes, and a departure in its midst. */
export function departure(chance: Chance, path: string, size: number): Departure {
  const request = () => {
    const method = chance.is(0.1) ? 'HEAD' : 'GET';
    return `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${rangeOf(chance, size)}\r\n`;
  };
  return {
    requests: chance.is(0.15) ? chance.many(2, 5, request) : [request()],
    reads: chance.is(0.2) ? 0 : chance.about(1, 256 * KiB),
    goodbye: chance.one(goodbyes),
    stalls: chance.is(0.1),
  };
}

function rangeOf(chance: Chance, size: number): string {
  const [from, other] = [chance.between(0, size - 1), chance.between(0, size - 1)];
  return chance.one([
    '',
    `Range: bytes=${from}-\r\n`,
    `Range: bytes=${other}-\r\n`,
    `Range: bytes=${from}-${Math.min(size - 1, from + chance.about(1, 1024 * KiB))}\r\n`,
    `Range: bytes=-${chance.about(1, 1024 * KiB)}\r\n`,
    `Range: bytes=${Math.min(from, other)}-${Math.max(from, other)},0-99,${size - 1000}-\r\n`,
  ]);
}

/** Asks, reads, and goes; resolves with what it read, when its end of the connection is closed. */
export function depart(port: number, { requests, reads, goodbye, stalls }: Departure): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const read: Buffer[] = [];
  let count = 0;
  const leave = () => {
    clearTimeout(quiet);
    socket.pause().removeAllListeners('data');
    if (stalls) setTimeout(() => go(socket, goodbye), moment);
    else go(socket, goodbye);
  };
  let quiet = setTimeout(leave, patience);
  socket.on('error', () => {});
  socket.once('close', () => {
    clearTimeout(quiet);
    resolve(Buffer.concat(read));
  });
  socket.once('connect', () => {
    socket.write(requests.join(''), () => {
      if (reads === 0) leave();
    });
  });
  if (reads === 0) return promise;
  socket.on('data', (bytes) => {
    read.push(bytes);
    count += bytes.length;
    clearTimeout(quiet);
    if (count >= reads) leave();
    else quiet = setTimeout(leave, silence);
  });
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

/** Whether what was read of one answer is the content that its head names, as far as it goes. */
export function isRight(read: Buffer, content: Buffer): boolean {
  const end = read.indexOf('\r\n\r\n');
  if (end === -1) return true;
  const head = read.toString('latin1', 0, end);
  const body = read.subarray(end + 4);
  const status = Number(head.split(' ', 2)[1]);
  if (status === 200) return content.subarray(0, body.length).equals(body);
  const [, start] = /^content-range: bytes (\d+)-/im.exec(head) ?? [];
  if (status !== 206) return false;
  return start === undefined || content.subarray(Number(start), Number(start) + body.length).equals(body);
}
