/**
 * An origin that does what the test says, when the test says it.
 *
 * Each `open` becomes a `ScriptedRequest`, which waits for the test to connect it, give its head and its bytes, end,
 * cut or refuse it. `ScriptedOrigin.serving` answers by itself, on the test's clock. Either counts each byte that
 * was read, so that "no byte is fetched twice" can be asserted.
 */
import type { ByteRange } from '../../src/bytes/byte-range.ts';
import type { Origin, OriginReply, OriginRequest } from '../../src/origin/origin.ts';
import { bump } from './activity.ts';
import { Coverage } from './coverage.ts';
import type { Film } from './film.ts';
import { ScriptedRequest } from './scripted-request.ts';
import { type ServingOptions, serve } from './serving.ts';

export { ScriptedRequest } from './scripted-request.ts';
export type { ServingOptions } from './serving.ts';

export class ScriptedOrigin implements Origin {
  readonly name: string;
  /** What it holds, whatever the target. */
  readonly film: Film;
  /** Every request so far, in order. */
  readonly requests: ScriptedRequest[] = [];
  readonly #coverage = new Coverage();
  readonly #unseen: ScriptedRequest[] = [];
  readonly #waiting: Array<(request: ScriptedRequest) => void> = [];
  #answer: ((request: ScriptedRequest) => void) | null = null;

  constructor(film: Film, name = 'films') {
    this.film = film;
    this.name = name;
  }

  /** An origin that answers each request by itself, correctly, in its own time. */
  static serving(film: Film, options: ServingOptions): ScriptedOrigin {
    const origin = new ScriptedOrigin(film, options.name);
    origin.#answer = (request) => void serve(request, film, options);
    return origin;
  }

  open(request: OriginRequest, signal: AbortSignal): Promise<OriginReply> {
    const scripted = new ScriptedRequest(request, signal, this.film, this.#coverage);
    this.requests.push(scripted);
    bump();
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#unseen.push(scripted);
    else waiting(scripted);
    this.#answer?.(scripted);
    return scripted.reply;
  }

  async close(): Promise<void> {
    for (const request of this.requests) request.abandon();
  }

  /** The next request that no earlier call has returned; waits for it to come. */
  nextRequest(): Promise<ScriptedRequest> {
    const request = this.#unseen.shift();
    if (request !== undefined) return Promise.resolve(request);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The requests that are neither over nor given up. */
  get live(): readonly ScriptedRequest[] {
    return this.requests.filter((request) => request.live);
  }

  /** Bytes of the film that were read at least once. */
  get given(): readonly ByteRange[] {
    return this.#coverage.given;
  }

  /** Bytes of the film that were read more than once. */
  get fetchedTwice(): readonly ByteRange[] {
    return this.#coverage.twice;
  }

  /** How many bytes were read, repeated ones counted each time. */
  get bytesGiven(): number {
    return this.#coverage.total;
  }
}
