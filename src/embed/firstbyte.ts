/**
 * firstbyte inside a program: no port, no log and no control API, unless they are asked for.
 *
 *     await using cache = await createFirstbyte({ cacheDir, origins: { films: 'https://media.example/films' } });
 *     const response = await cache.fetch('https://media.example/films/a.mkv', { headers: { range: 'bytes=0-' } });
 *     for await (const bytes of cache.open('https://media.example/films/a.mkv', { start: 1_000_000 })) …
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Duplex, duplexPair } from 'node:stream';
import type { Holding } from '../admin/holding.ts';
import type { HoldingQuery } from '../admin/holding-page.ts';
import type { HoldingView } from '../admin/holdings.ts';
import {
  type AddedSource,
  mostSources,
  readSourceUrl,
  sourceNameOf,
  sourceProblem,
  usualTtlMs,
} from '../admin/sources.ts';
import type { OpenRange } from '../bytes/byte-range.ts';
import { FillFailed } from '../cache/read-session.ts';
import { stayAwake, systemClock } from '../clock.ts';
import { ConfigError, exposureProblems, type ListenAddress } from '../config.ts';
import { type Core, openCore } from '../core.ts';
import { bugOf, EventBus } from '../events.ts';
import type { Lent } from '../lent.ts';
import type { Logger } from '../log.ts';
import type { StoreUsage } from '../store/admin.ts';
import { ClosedError, MediaError, SourceError } from './errors.ts';
import { fetchOver } from './fetch.ts';
import { MediaBody, type OpenOptions } from './media-body.ts';
import { type FirstbyteOptions, readOptions } from './options.ts';
import { type MediaUrl, Places, pathOf } from './places.ts';
import { type MediaProgress, type WatchOptions, watchObject } from './watch.ts';
import { judgeBytes } from './whole-bytes.ts';

/** Takes a request of another server; calls `next` where it names no origin. */
export type Middleware = (request: IncomingMessage, response: ServerResponse, next?: () => void) => void;

/** Gives undici connections that lead here: `new Agent({ connect: firstbyte.connector })`. */
export type Connector = (options: unknown, callback: (error: null, socket: Duplex) => void) => void;

export interface ListenOptions {
  /** Any free one where absent. */
  readonly port?: number;
  /** `127.0.0.1` where absent; an address that other machines reach needs the option `allowFrom`. */
  readonly host?: string;
  /** A Unix socket, in place of host and port. */
  readonly path?: string;
}

/** An address at which players get what is cached and what comes. */
export interface PlayerAddress extends AsyncDisposable {
  /** Such as `http://127.0.0.1:40123/`, or `unix:` and a path. */
  readonly address: string;
  /** What a player is given in place of the film's own URL. */
  urlOf(media: MediaUrl): string;
  /** Takes no new connections, lets replies go on for `drainTimeout`, and ends them then. */
  close(): Promise<void>;
}

export interface WarmOptions {
  /** Only so many bytes from the beginning. */
  readonly head?: number;
  /** Only these ranges; `end: null` is the end of the film. */
  readonly ranges?: readonly OpenRange[];
  readonly signal?: AbortSignal;
  /** Called with how many of the wanted bytes are there; `total` is `null` while the length is unknown. */
  readonly onProgress?: (progress: { readonly bytes: number; readonly total: number | null }) => void;
}

export interface SourceOptions {
  /** The last part of its path; the URL's own where absent. */
  readonly name?: string;
  /** For how many milliseconds new requests are accepted; six hours where absent. */
  readonly ttl?: number;
  /** Secret fields, sent to that URL's scheme, host and port alone. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Which addresses its host may have; only public ones where absent. */
  readonly network?: 'public' | 'private';
  /** An endpoint that is asked for the current URL, as a refresh hook of an origin. */
  readonly refresh?: string | URL;
}

/**
 * Rejects with a `ConfigError` where an option is wrong, and with a `StoreError` where the cache directory can't be used:
 * its code is `EBUSY` where another process has it.
 */
export async function createFirstbyte(options: FirstbyteOptions = {}): Promise<Firstbyte> {
  const { settings, parts } = readOptions(options);
  const places = new Places(settings.origins.map(({ name, url }) => ({ name, base: url.href })));
  const { events = new EventBus(), clock = systemClock } = parts;
  const log: Logger['log'] = (...line) => {
    try {
      options.log?.(...line);
    } catch (error) {
      events.emit(bugOf(error, clock.now()));
    }
  };
  const core = await openCore(settings, { ...parts, events }, { logger: { log }, tokens: [], control: refuseControl });
  const judge = (where: ListenAddress) =>
    exposureProblems({ listen: [where], allowFrom: settings.allowFrom, secretPath: null });
  return new Firstbyte(core, places, judge);
}

/** There is no control API here: `startDaemon` has one. */
function refuseControl(_: IncomingMessage, response: ServerResponse): void {
  response.writeHead(404, { 'content-length': 0 }).end();
}

/** Whatever is called after `close` throws a `ClosedError`; whatever was under way then ends with one. */
export class Firstbyte implements AsyncDisposable {
  readonly #core: Core;
  readonly #places: Places;
  readonly #judge: (where: ListenAddress) => string[];
  readonly #closed = new AbortController();
  #closing: Promise<void> | null = null;

  /** @internal: `createFirstbyte` makes one. */
  constructor(core: Core, places: Places, judge: (where: ListenAddress) => string[]) {
    this.#core = core;
    this.#places = places;
    this.#judge = judge;
  }

  /** Everything that happens from now on. */
  get events(): EventBus {
    return this.#core.events;
  }

  /**
   * Answers a request for a URL below one of the origins, as the standard `fetch` would: any status is an answer, and a
   * redirect is followed, unless the request says otherwise or it leads to where no origin is. Rejects with an
   * `UnknownOriginError`, with the reason of the request's signal, or with a `CutError` where no answer came.
   */
  async fetch(input: Request | MediaUrl, init?: RequestInit): Promise<Response> {
    const isRequest = input instanceof Request;
    let place = this.#places.of(isRequest ? input.url : input);
    const request = new Request(isRequest ? input : `http://localhost${pathOf(place)}`, init);
    madeFrom.set(request, [input, init]);
    const { method, redirect } = request;
    const mayFollow = redirect !== 'manual' && (method === 'GET' || method === 'HEAD');
    for (let hops = 0; ; hops += 1) {
      this.#assertOpen();
      const response = await this.#ask(pathOf(place), request);
      const url = this.#places.urlOf(place);
      const next = mayFollow && hops < mostHops ? this.#places.redirected(response, place) : null;
      if (next === null) return named(response, url, hops > 0);
      await response.body?.cancel();
      if (redirect === 'error') throw new MediaError(response.status, `${url} redirects.`);
      place = next;
    }
  }

  /**
   * The bytes of a film as they come, in order; nothing is asked for before somebody reads. The stream fails with a
   * `MediaError` where the film is not given, and with a `CutError` where the rest of it can't be had.
   */
  open(media: MediaUrl, options: OpenOptions = {}): MediaBody {
    const path = pathOf(this.#places.of(media));
    return new MediaBody((headers, signal) => this.fetch(path, { headers, signal }), options);
  }

  /** What becomes of a film: its present state at once, then whenever that has changed. */
  watch(media: MediaUrl, options: WatchOptions = {}): AsyncGenerator<MediaProgress, void, undefined> {
    const { holdings, events, clock } = this.#core;
    const closed = this.#closed.signal;
    return watchObject({ holdings, events, clock, closed }, this.#objectOf(media), options);
  }

  /**
   * Downloads a film, or the parts of it that are wanted, behind whatever is played. Resolves with how many of the wanted
   * bytes are there. Rejects with a `MediaError`, with the signal's reason, or with what `onProgress` throws.
   */
  async warm(media: MediaUrl, options: WarmOptions = {}): Promise<number> {
    const { head, ranges = [{ start: 0, end: head ?? null }], signal, onProgress = () => {} } = options;
    if (head !== undefined) judgeBytes('head', head);
    for (const { start, end = null } of ranges) {
      judgeBytes('ranges: start', start);
      if (end !== null) judgeBytes('ranges: end', end, start);
    }
    const { mount, target } = this.#places.of(media);
    this.#objectOf(media);
    const work = this.#core.holdings.warm(mount, target, ranges);
    if (typeof work === 'string') throw new MediaError(400, `${target} is no path at an origin.`);
    using _ = stayAwake();
    let bytes = 0;
    let total: number | null = null;
    const thrown = new AbortController();
    const progress = {
      add(more: number) {
        bytes += more;
        try {
          onProgress({ bytes, total });
        } catch (error) {
          thrown.abort(error);
        }
      },
      expect(wanted: number | null) {
        total = wanted;
      },
    };
    const stop = AbortSignal.any([this.#closed.signal, thrown.signal, ...(signal === undefined ? [] : [signal])]);
    try {
      return (await work(progress, stop)).bytes;
    } catch (error) {
      throw error instanceof FillFailed ? mediaError(error) : error;
    }
  }

  /** What is cached of a film; `null` for nothing. */
  async cached(media: MediaUrl): Promise<HoldingView | null> {
    return this.#core.holdings.one(this.#objectOf(media));
  }

  /** Everything that is cached, or what a query selects. */
  async *list(query: Omit<HoldingQuery, 'cursor' | 'limit'> = {}): AsyncGenerator<Holding, void, undefined> {
    let cursor: string | null = null;
    do {
      this.#assertOpen();
      const page = await this.#core.holdings.page({ ...query, ...(cursor !== null && { cursor }) });
      if (typeof page === 'string') throw new Error(`The list has ${page}.`);
      yield* page.objects;
      cursor = page.next;
    } while (cursor !== null);
  }

  /** Removes what is cached of a film; whoever plays it plays on. `false`: nothing is cached of it. */
  async remove(media: MediaUrl): Promise<boolean> {
    return this.#core.holdings.remove(this.#objectOf(media));
  }

  /** Keeps a film from eviction, or lets it go again. `false`: nothing is cached of it. */
  async pin(media: MediaUrl, pinned = true): Promise<boolean> {
    return this.#core.holdings.pin(this.#objectOf(media), pinned);
  }

  /** How full the store is. */
  usage(): StoreUsage {
    return this.#core.holdings.usage();
  }

  /**
   * Hands in a URL that lies below no origin. It plays for a while at a path that can't be guessed (`play`), which every
   * method here takes in place of a URL. Throws a `SourceError`.
   */
  addSource(url: string | URL, options: SourceOptions = {}): AddedSource {
    this.#assertOpen();
    const given = readSourceUrl(String(url));
    if (given === null) throw new SourceError('A source is an http or https URL.');
    const { name = sourceNameOf(given.url), ttl = usualTtlMs, headers = {}, network = 'public', refresh } = options;
    const endpoint = refresh === undefined ? null : URL.parse(String(refresh));
    const fields = Object.entries(headers).map(([field, value]) => [field.toLowerCase(), value] as const);
    const source = { url: given.url, fields: [...given.fields, ...fields], name, ttl, refresh: endpoint, network };
    if (refresh !== undefined && endpoint === null) throw new SourceError('refresh is not an http or https URL.');
    const problem = sourceProblem(source);
    if (problem !== null) throw new SourceError(`${problem}.`);
    const added = this.#core.sources.add(source);
    if (added === 'too many') throw new SourceError(`${mostSources} sources play already; end one first.`);
    if (added === 'private') throw new SourceError("The host is in a private network, which takes network: 'private'.");
    return added;
  }

  /** New requests do not find the source any more; its players go on. `false`: there is none. */
  removeSource(id: string): boolean {
    return this.#core.sources.remove(id);
  }

  /** Listens for players; without a port, at any that is free. Rejects with the system's error, or with a `ConfigError`. */
  async listen(options: ListenOptions = {}): Promise<PlayerAddress> {
    this.#assertOpen();
    const { port = 0, host = '127.0.0.1', path } = options;
    const where: ListenAddress = path === undefined ? { host, port } : { path };
    const problems = this.#judge(where);
    if (problems.length > 0) throw new ConfigError(problems);
    const { address, close } = await this.#core.listen(where);
    if (this.#closed.signal.aborted) await close();
    this.#assertOpen();
    const base = address.startsWith('unix:') ? address : address.replace(/\/$/, '');
    return {
      address,
      urlOf: (media) => base + pathOf(this.#places.of(media)),
      close,
      [Symbol.asyncDispose]: close,
    };
  }

  /**
   * Answers requests of a server of yours for `/NAME/…`, as Express and Connect want it; `prefix` is what stands before
   * that in its URLs, where the server has taken it away (Express says it itself, as `baseUrl`). Whoever may come, your
   * server decides. After `close` it answers 503 there.
   */
  middleware({ prefix }: { readonly prefix?: string } = {}): Middleware {
    return (request: IncomingMessage & { readonly baseUrl?: string }, response, next) => {
      if (this.#core.proxy.answer(request, response, prefix ?? request.baseUrl ?? '')) return;
      if (next !== undefined) return next();
      response.writeHead(404, { 'content-length': 0 }).end();
    };
  }

  /** Serves a connection that came in some other way, for instance in memory. */
  serve(connection: Duplex): void {
    this.#assertOpen();
    this.#core.serve(connection);
  }

  /** Connections of undici that lead here; a socket is given in a later turn, as undici wants it. */
  get connector(): Connector {
    return (_, callback) => {
      const connection = this.#connect('mounts');
      setImmediate(() => callback(null, connection));
    };
  }

  /** What is lent at this moment: all zero where nobody is there and nothing is under way. */
  lent(): Lent {
    return this.#core.lent();
  }

  /** Lets replies go on for at most `drainTimeout`, then ends them, and closes everything. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    using _ = stayAwake();
    this.#closed.abort(new ClosedError());
    await this.#core.drain();
    await this.#core.close();
  }

  #ask(path: string, request: Request): Promise<Response> {
    const ended = () => (this.#closed.signal.aborted ? this.#closed.signal.reason : null);
    return fetchOver(() => this.#connect('origins'), path, request, ended);
  }

  #connect(names: 'mounts' | 'origins'): Duplex {
    this.#assertOpen();
    const [near, far] = duplexPair();
    near.once('close', () => far.destroy());
    this.#core.serve(far, names);
    return near;
  }

  /** The name of what is cached of a film. */
  #objectOf(media: MediaUrl): string {
    this.#assertOpen();
    const { mount, target } = this.#places.of(media);
    const name = this.#core.cache.nameOf(mount, target);
    if (name === null) throw new MediaError(404, `Nothing plays at ${pathOf({ mount, target })}, or no longer.`);
    return name;
  }

  #assertOpen(): void {
    this.#closed.signal.throwIfAborted();
  }
}

/** The signal of a request hears of the one that it was made from only while that one's own request lives. */
const madeFrom = new WeakMap<Request, readonly unknown[]>();

/** So many redirects are followed (Fetch §4.4). */
const mostHops = 20;

/** A response that knows where it is from: relative references in it start there. */
function named(response: Response, url: string, redirected: boolean): Response {
  return Object.defineProperties(response, { url: { value: url }, redirected: { value: redirected } });
}

/** Why bytes will not come, as a reply would say it. */
function mediaError(error: FillFailed): MediaError {
  const { failure } = error;
  if (failure.kind === 'answer') return new MediaError(failure.answer.status, error.message, error);
  if (failure.kind === 'unsatisfiable') return new MediaError(416, error.message, error);
  return new MediaError(failure.kind === 'error' ? failure.error.status : 502, error.message, error);
}
