/**
 * Some bytes of a film, as they come: a Node `Readable`, and a web `ReadableStream` for who wants that.
 *
 * Nothing is asked for before somebody reads. Where an origin stalls or cuts, firstbyte goes on from the same byte; where
 * the rest can't be had, the stream fails, and never ends as if it were whole.
 */
import { Readable } from 'node:stream';
import { never, untilAborted } from '../until-aborted.ts';
import { CutError, MediaError } from './errors.ts';
import { judgeBytes } from './whole-bytes.ts';

/** What is known of a film with its first byte. */
export interface MediaHead {
  /** Of the whole film, in bytes; `null` while nobody knows. */
  readonly length: number | null;
  readonly contentType: string | null;
  readonly etag: string | null;
}

export interface OpenOptions {
  /** The first byte wanted; 0 where absent. */
  readonly start?: number;
  /** The byte before which to stop; the end of the film where absent. */
  readonly end?: number;
  readonly signal?: AbortSignal;
}

type Fetch = (headers: Record<string, string>, signal: AbortSignal) => Promise<Response>;

export class MediaBody extends Readable {
  /** Resolves with the first bytes; rejects as the stream fails. */
  readonly head: Promise<MediaHead>;
  readonly #fetch: Fetch;
  readonly #start: number;
  readonly #end: number;
  readonly #stop = new AbortController();
  readonly #known = Promise.withResolvers<MediaHead>();
  #pieces: AsyncIterator<Uint8Array> | null = null;
  /** Where the next piece begins. */
  #at = 0;

  constructor(fetch: Fetch, { start = 0, end = Number.POSITIVE_INFINITY, signal = never }: OpenOptions) {
    super({ highWaterMark: 256 * 1024 });
    judgeBytes('start', start);
    if (end !== Number.POSITIVE_INFINITY) judgeBytes('end', end, start + 1);
    this.#fetch = fetch;
    this.#start = start;
    this.#end = end;
    this.head = this.#known.promise;
    // Whoever reads hears of it, too.
    this.head.catch(() => {});
    // Node's own way would begin before the fields are there, and keep the reason to itself.
    const closed = new Promise((resolve) => this.once('close', resolve));
    untilAborted(closed, signal, () => this.destroy(signal.reason)).catch(() => {});
  }

  /** The same as a web stream; nobody may read this one then. */
  web(): ReadableStream<Uint8Array> {
    return Readable.toWeb(this) as ReadableStream<Uint8Array>;
  }

  /** @internal */
  override async _read(): Promise<void> {
    try {
      this.#pieces ??= await this.#open();
      // A piece that lies before the start, where the origin gives no ranges, is no piece yet.
      for (;;) {
        const { done, value } = this.#at >= this.#end ? { done: true } : await this.#pieces.next();
        if (done || value === undefined) {
          this.#stop.abort();
          this.push(null);
          return;
        }
        const piece = value.subarray(Math.max(0, this.#start - this.#at), this.#end - this.#at);
        this.#at += value.length;
        if (piece.length === 0) continue;
        this.push(piece);
        return;
      }
    } catch (error) {
      this.destroy(error instanceof Error ? error : new CutError(String(error)));
    }
  }

  /** @internal */
  override _destroy(error: Error | null, destroyed: (error?: Error | null) => void): void {
    const reason = error ?? new Error('The stream was closed.');
    this.#stop.abort(reason);
    this.#known.reject(reason);
    destroyed(error);
  }

  async #open(): Promise<AsyncIterator<Uint8Array>> {
    const { signal } = this.#stop;
    const last = Number.isFinite(this.#end) ? String(this.#end - 1) : '';
    const isWhole = this.#start === 0 && last === '';
    const response = await this.#fetch(isWhole ? {} : { range: `bytes=${this.#start}-${last}` }, signal);
    const { status, headers, body } = response;
    if (status !== 200 && status !== 206) throw new MediaError(status, await sentenceOf(response));
    const [, first, , length] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers.get('content-range') ?? '') ?? [];
    if (first !== undefined) this.#at = Number(first);
    const known = status === 206 ? Number(length) : Number(headers.get('content-length') ?? Number.NaN);
    this.#known.resolve({
      length: Number.isSafeInteger(known) ? known : null,
      contentType: headers.get('content-type'),
      etag: headers.get('etag'),
    });
    return (body ?? new ReadableStream<Uint8Array>()).values();
  }
}

/** What a reply without bytes says: firstbyte's own are one sentence. */
async function sentenceOf(response: Response): Promise<string> {
  const isPlain = response.headers.get('content-type')?.startsWith('text/plain') ?? false;
  const text = isPlain ? (await response.text()).trim() : '';
  if (!isPlain) await response.body?.cancel();
  return text === '' || text.length > 1000 ? `The answer was ${response.status}.` : text;
}
