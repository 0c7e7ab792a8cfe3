/**
 * A slow origin: says nothing for a while, then gives the files of one folder at a steady rate.
 *
 * It is a correct HTTP/1.1 origin otherwise (RFC 9110: HEAD, one byte range, If-Range, If-None-Match, strong ETag,
 * Last-Modified), written apart from firstbyte's own HTTP code so that the two can't share a mistake. The rate is that
 * of one link: all replies share it. Queries are ignored.
 *
 *   node demo/slow-origin.ts --folder demo --silence 3 --rate 1000000 --port 8080
 */
import { once } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, extname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Clock, sleep, systemClock } from '../src/clock.ts';

export interface SlowOriginSettings {
  /** The folder whose files are given, each at `/NAME`. */
  folder: string;
  /** Milliseconds between each request and the first byte of its reply. */
  silence: number;
  /** Bytes a second for all replies together; `Infinity` for as fast as they go. */
  rate: number;
  /** 0, the default, for any free port. */
  port?: number;
  clock?: Clock;
}

/** One request and what became of it. */
export interface OriginExchange {
  readonly method: string;
  readonly path: string;
  readonly range: string | null;
  /** `null` until the head is out. */
  status: number | null;
  /** Bytes of the body handed to the network so far. */
  sent: number;
}

export interface SlowOrigin {
  /** Without a slash at the end. */
  readonly url: string;
  /** Every request so far, in the order of their arrival. */
  readonly exchanges: readonly OriginExchange[];
  /** Cuts every connection and stops listening. */
  close(): Promise<void>;
}

const contentTypes: Readonly<Record<string, string>> = { '.mp4': 'video/mp4', '.mkv': 'video/x-matroska' };

/** Writes go out in steps of a fiftieth of a second, so that the rate looks steady, and of no more than this. */
const longestStep = 64 * 1024;

export async function startSlowOrigin(settings: SlowOriginSettings): Promise<SlowOrigin> {
  const { folder, silence, rate, port = 0, clock = systemClock } = settings;
  const link = new Link(rate, clock);
  const exchanges: OriginExchange[] = [];

  const reply = async (request: IncomingMessage, response: ServerResponse, signal: AbortSignal) => {
    const { pathname } = new URL(`http://origin${request.url}`);
    const { method = 'GET', headers } = request;
    const exchange: OriginExchange = { method, path: pathname, range: headers.range ?? null, status: null, sent: 0 };
    exchanges.push(exchange);
    if (silence > 0) await sleep(clock, silence, signal);

    const writeHead = (status: number, fields: Record<string, string | number>) => {
      exchange.status = status;
      response.writeHead(status, fields);
    };
    if (method !== 'GET' && method !== 'HEAD') {
      writeHead(405, { allow: 'GET, HEAD', 'content-length': 0 });
      return response.end();
    }
    await using file = await open(join(folder, basename(pathname))).catch(() => null);
    const status = await file?.stat();
    if (!file || !status?.isFile()) {
      writeHead(404, { 'content-length': 0 });
      return response.end();
    }

    const length = status.size;
    const etag = `"${length.toString(16)}-${Math.trunc(status.mtimeMs).toString(16)}"`;
    const lastModified = status.mtime.toUTCString();
    const common = {
      'accept-ranges': 'bytes',
      'content-type': contentTypes[extname(pathname)] ?? 'application/octet-stream',
      etag,
      'last-modified': lastModified,
    };
    const ifNoneMatch = headers['if-none-match'];
    if (ifNoneMatch && (ifNoneMatch.includes(etag) || ifNoneMatch.trim() === '*')) {
      writeHead(304, common);
      return response.end();
    }
    const ifRange = headers['if-range'];
    const rangeHolds = method === 'GET' && (ifRange === undefined || ifRange === etag || ifRange === lastModified);
    const asked = rangeHolds ? parseRange(headers.range, length) : null;
    if (asked === 'unsatisfiable') {
      writeHead(416, { ...common, 'content-range': `bytes */${length}`, 'content-length': 0 });
      return response.end();
    }
    const { start, end } = asked ?? { start: 0, end: length };
    const range = asked && { 'content-range': `bytes ${start}-${end - 1}/${length}` };
    writeHead(asked ? 206 : 200, { ...common, ...range, 'content-length': end - start });
    if (method === 'HEAD') return response.end();
    response.flushHeaders();
    await send(file, start, end, exchange, response, signal);
    return response.end();
  };

  const send = async (
    file: FileHandle,
    start: number,
    end: number,
    exchange: OriginExchange,
    response: ServerResponse,
    signal: AbortSignal,
  ) => {
    const step = Math.max(1, Math.min(longestStep, Math.floor(rate / 50)));
    for (let offset = start; offset < end; ) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(step, end - offset)), {
        position: offset,
      });
      if (bytesRead === 0) throw new Error('the file has become shorter');
      await link.pass(bytesRead, signal);
      exchange.sent += bytesRead;
      offset += bytesRead;
      if (!response.write(buffer.subarray(0, bytesRead))) await once(response, 'drain', { signal });
    }
  };

  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    // Whatever stops a reply, the client gone or the file cut short, must look like a cut and not like an end.
    reply(request, response, gone.signal).catch(() => response.destroy());
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${bound}`,
    exchanges,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** One link that all replies share: bytes pass one after another, `rate` of them a second. */
class Link {
  readonly #rate: number;
  readonly #clock: Clock;
  #freeAt = Number.NEGATIVE_INFINITY;

  constructor(rate: number, clock: Clock) {
    this.#rate = rate;
    this.#clock = clock;
  }

  /** Resolves when `bytes` have passed. A timer that fired late is made up for, up to 50 ms. */
  async pass(bytes: number, signal: AbortSignal): Promise<void> {
    const now = this.#clock.now();
    this.#freeAt = Math.max(this.#freeAt, now - 50) + (bytes / this.#rate) * 1000;
    if (this.#freeAt > now) await sleep(this.#clock, this.#freeAt - now, signal);
  }
}

/** RFC 9110 §14.2: one range of bytes, half-open; `null` where the field is to be ignored. */
function parseRange(field: string | undefined, length: number) {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(field ?? '') ?? [];
  if (first === '' && last === '') return null;
  if (first === '') {
    const suffix = Math.min(Number(last), length);
    return suffix === 0 ? 'unsatisfiable' : { start: length - suffix, end: length };
  }
  if (last !== '' && Number(last) < Number(first)) return null;
  if (Number(first) >= length) return 'unsatisfiable';
  return { start: Number(first), end: last === '' ? length : Math.min(Number(last) + 1, length) };
}

const usage = `node demo/slow-origin.ts [--folder DIR] [--silence SECONDS] [--rate BYTES-A-SECOND] [--port PORT]\n`;

/** The command line as numbers; `null` where a word of it is not understood. */
function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        folder: { type: 'string', default: import.meta.dirname },
        silence: { type: 'string', default: '3' },
        rate: { type: 'string', default: '1000000' },
        port: { type: 'string', default: '0' },
      },
    });
    const [silence, rate, port] = [Number(values.silence) * 1000, Number(values.rate), Number(values.port)];
    return silence >= 0 && rate > 0 && Number.isInteger(port) ? { folder: values.folder, silence, rate, port } : null;
  } catch {
    return null;
  }
}

if (import.meta.main) {
  const options = readOptions();
  if (options === null) {
    process.stderr.write(usage);
    process.exitCode = 2;
  } else {
    const origin = await startSlowOrigin(options);
    process.stdout.write(`slow origin ready on ${origin.url}/\n`);
  }
}
