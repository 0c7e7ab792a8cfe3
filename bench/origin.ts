/**
 * The origin of the benches, a process of its own: films of any length, silence and rate, counted by the byte.
 *
 *   /NAME?size=BYTES&silence=MS&rtt=MS&rate=BYTES_A_SECOND&link=shared&cut=BYTES
 *
 * With `rtt`, every reply is one round trip late, and the first request of a connection is seen one after it was opened,
 * as if the origin were so far away. `rate` holds for each reply by itself, or with `link=shared` for all of them together. With `cut`, the first reply of
 * a film ends with its connection after so many bytes. Ranges and `If-Range` are
 * answered as a good server answers them. Asked over its channel, it tells what it sent of each film.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerAsked } from './channel.ts';
import { film, longestPiece } from './content.ts';

/** What was sent of one film. */
export interface Sent {
  requests: number;
  bytes: number;
  /** Replies that were under way at one time, at most. */
  most: number;
}

/** Bytes that are paced go out in steps of this many milliseconds; what is late by no more than this is made up for. */
const step = 20;
const lateness = 100;

const sentOf = new Map<string, Sent>();

const openedAt = new WeakMap<Socket, number>();

/** How many replies of each film are under way. */
const underWay = new Map<string, number>();

/** Bytes pass one after another, `rate` of them a second. */
class Link {
  readonly #rate: number;
  #freeAt = 0;
  #replies = 0;

  constructor(rate: number) {
    this.#rate = rate;
  }

  get piece(): number {
    return Math.max(1, Math.min(longestPiece, Math.floor((this.#rate * step) / 1000)));
  }

  /** A reply begins; an idle link has saved up nothing. */
  join(): void {
    if (this.#replies === 0) this.#freeAt = Math.max(this.#freeAt, performance.now());
    this.#replies += 1;
  }

  leave(): void {
    this.#replies -= 1;
  }

  async pass(bytes: number, signal: AbortSignal): Promise<void> {
    const now = performance.now();
    this.#freeAt = Math.max(this.#freeAt, now - lateness) + (bytes / this.#rate) * 1000;
    if (this.#freeAt - now >= 1) await sleep(this.#freeAt - now, undefined, { signal });
  }
}

const shared = new Map<number, Link>();

function linkOf(rate: number, isShared: boolean): Link {
  if (!isShared) return new Link(rate);
  const link = shared.get(rate) ?? new Link(rate);
  shared.set(rate, link);
  return link;
}

async function answer(request: IncomingMessage, response: ServerResponse, gone: AbortSignal): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://origin');
  const size = Number(searchParams.get('size'));
  const silence = Number(searchParams.get('silence') ?? 0);
  const rate = Number(searchParams.get('rate') ?? Number.POSITIVE_INFINITY);
  const rtt = Number(searchParams.get('rtt') ?? 0);
  const cut = Number(searchParams.get('cut') ?? Number.POSITIVE_INFINITY);
  const link = linkOf(rate, searchParams.get('link') === 'shared');
  const sent = sentOf.get(pathname) ?? { requests: 0, bytes: 0, most: 0 };
  sentOf.set(pathname, sent);
  const isFirst = sent.requests === 0;
  sent.requests += 1;
  const now = (underWay.get(pathname) ?? 0) + 1;
  underWay.set(pathname, now);
  response.once('close', () => underWay.set(pathname, (underWay.get(pathname) ?? 0) - 1));
  sent.most = Math.max(sent.most, now);
  const handshake = Math.max(0, (openedAt.get(request.socket) ?? 0) + rtt - performance.now());
  const late = silence + rtt + handshake;
  if (late > 0) await sleep(late, undefined, { signal: gone });

  const etag = `"film-${size}"`;
  const ifRange = request.headers['if-range'];
  const range = ifRange === undefined || ifRange === etag ? request.headers.range : undefined;
  const [, first = '0', last = ''] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
  const start = Number(first);
  const end = Math.min(size, last === '' ? size : Number(last) + 1);
  const fields = { 'accept-ranges': 'bytes', 'cache-control': 'max-age=86400', 'content-type': 'video/mp4', etag };
  if (start >= size) {
    response.writeHead(416, { ...fields, 'content-range': `bytes */${size}`, 'content-length': 0 });
    response.end();
    return;
  }
  const part = range === undefined ? {} : { 'content-range': `bytes ${start}-${end - 1}/${size}` };
  response.writeHead(range === undefined ? 200 : 206, { ...fields, ...part, 'content-length': end - start });
  link.join();
  response.once('close', () => link.leave());
  const until = isFirst ? Math.min(end, cut) : end;
  for (let offset = start; offset < until; ) {
    const bytes = film(offset, Math.min(rate === Number.POSITIVE_INFINITY ? longestPiece : link.piece, until - offset));
    if (rate !== Number.POSITIVE_INFINITY) await link.pass(bytes.length, gone);
    sent.bytes += bytes.length;
    offset += bytes.length;
    if (!response.write(bytes)) await once(response, 'drain', { signal: gone });
  }
  if (until < end) response.socket?.end();
  else response.end();
}

const server = createServer({ keepAliveTimeout: 60_000, highWaterMark: longestPiece }, (request, response) => {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  answer(request, response, gone.signal).catch(() => response.destroy());
});
server.on('connection', (socket) => openedAt.set(socket, performance.now()));
server.listen(0, '127.0.0.1');
await once(server, 'listening');

answerAsked({
  port: async () => (server.address() as AddressInfo).port,
  sent: async () => Object.fromEntries(sentOf),
});
