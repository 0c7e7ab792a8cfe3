/**
 * The origin of the crash proofs: a few films whose versions change, over real sockets, counted by the byte.
 *
 * It asks to be asked first (`max-age=0`), so that a new version is seen at the next request, and every other answer
 * to that question is a 304 without a body: a film that is complete in the cache costs it no byte.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ByteRange } from '../../src/bytes/byte-range.ts';
import { RangeSet } from '../../src/bytes/range-set.ts';
import type { Fields } from '../../src/http/fields.ts';
import { type Film, film } from '../support/film.ts';
import { askedRange, etagOf, filmFields, satisfied } from '../support/film-fields.ts';
import { chooseStatus } from '../support/honest-answer.ts';

/** The most that goes out at once, in bytes. */
const piece = 64 * 1024;

export class Library implements AsyncDisposable {
  /** Bytes a second of one reply. */
  rate = Number.POSITIVE_INFINITY;
  readonly #films = new Map<string, Film>();
  /** Every version that ever was, by its entity tag. */
  readonly #versions = new Map<string, Film>();
  readonly #given = new Map<string, RangeSet>();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer({ keepAliveTimeout: 60_000, highWaterMark: piece }, (request, response) => {
      const gone = new AbortController();
      response.once('close', () => gone.abort());
      this.#answer(request, response, gone.signal).catch(() => response.destroy());
    });
  }

  static async open(): Promise<Library> {
    const library = new Library();
    library.#server.listen(0, '127.0.0.1');
    await once(library.#server, 'listening');
    return library;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What stands under each path now. */
  get films(): ReadonlyMap<string, Film> {
    return this.#films;
  }

  /** From now on this version stands under `path`; a version has a size or a seed of its own. */
  put(path: string, size: number, seed: number): Film {
    const version = film(size, seed);
    this.#films.set(path, version);
    this.#versions.set(etagOf(version), version);
    return version;
  }

  /** The film that an entity tag names. */
  version(etag: string): Film {
    const version = this.#versions.get(etag);
    if (version === undefined) throw new Error(`No film ever had the entity tag ${etag}.`);
    return version;
  }

  /** Which bytes of what stands under `path` went out since `forgetGiven`. */
  given(path: string): RangeSet {
    const version = this.#films.get(path);
    return (version && this.#given.get(etagOf(version))) ?? new RangeSet();
  }

  /** Counts from zero again. */
  forgetGiven(): void {
    this.#given.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse, gone: AbortSignal): Promise<void> {
    const version = this.#films.get(request.url ?? '');
    if (version === undefined) {
      response.writeHead(404).end();
      return;
    }
    const asked: Fields = Object.entries(request.headers).map(([name, value]) => [name, String(value)]);
    const status = chooseStatus(version, asked, {});
    const { start = 0, end = null } = status === 206 ? (askedRange(asked, version.size) ?? {}) : {};
    const fields = filmFields(version, status, start, end);
    response.writeHead(status, [...fields, ['cache-control', 'max-age=0'] as const].flat());
    const part = satisfied(version, start, end);
    if ((status === 200 || status === 206) && part !== null) await this.#send(version, part, response, gone);
    response.end();
  }

  async #send(version: Film, { start, end }: ByteRange, response: ServerResponse, gone: AbortSignal): Promise<void> {
    const given = this.#given.get(etagOf(version)) ?? new RangeSet();
    this.#given.set(etagOf(version), given);
    const startedAt = performance.now();
    for (let at = start; at < end; ) {
      const next = Math.min(end, at + piece);
      const early = ((next - start) / this.rate) * 1000 - (performance.now() - startedAt);
      if (early >= 1) await sleep(early, undefined, { signal: gone });
      const room = response.write(version.bytesAt(at, next));
      given.add({ start: at, end: next });
      if (!room) await once(response, 'drain', { signal: gone });
      at = next;
    }
  }
}
