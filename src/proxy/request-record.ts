/** Owns the events of one request: its timeline, its outcome, and the bytes that went out. */
import type { IncomingMessage } from 'node:http';
import type { ByteRange } from '../bytes/byte-range.ts';
import type { Clock } from '../clock.ts';
import type { ProxyError } from '../errors.ts';
import {
  type ByteSource,
  bugOf,
  type CacheResult,
  type EventBus,
  type FillPhase,
  type RequestOutcome,
  type WaitOutcome,
} from '../events.ts';
import { shownPath } from './route.ts';

export class RequestRecord {
  readonly #id: number;
  readonly #method: string;
  readonly #url: string;
  readonly #traceparent: string | null;
  readonly #clock: Clock;
  readonly #events: EventBus;
  /** In monotonic milliseconds. */
  readonly acceptedAt: number;
  #headOutAt: number | null = null;
  #firstByteOutAt: number | null = null;
  #bytes = 0;
  /** A configured origin's name; `null` where the request named none. */
  origin: string | null = null;
  #path: string | null = null;
  cache: CacheResult = 'none';
  /** The fill that gives the bytes; `null` where none was needed. */
  fill: number | null = null;
  range: ByteRange | null = null;
  status: number | null = null;

  constructor(id: number, { method = 'GET', url = '', headers }: IncomingMessage, clock: Clock, events: EventBus) {
    this.#id = id;
    this.#url = url;
    this.#method = method;
    this.#traceparent = traceparentOf(headers.traceparent);
    this.#clock = clock;
    this.#events = events;
    this.acceptedAt = clock.now();
  }

  /** Its target's path, without secrets; where it names no origin, that of the whole request. */
  get path(): string {
    return this.#path ?? shownPath(this.#url);
  }

  /** It names a target of an origin. */
  names(origin: string, path: string): void {
    this.origin = origin;
    this.#path = path;
  }

  /** Milliseconds since the request was accepted. */
  get age(): number {
    return this.#clock.now() - this.acceptedAt;
  }

  /** The wait for the first byte has ended. */
  waited(outcome: WaitOutcome): void {
    if (this.origin === null) return;
    const [request, origin, at] = [this.#id, this.origin, this.#clock.now()];
    this.#events.emit({ type: 'first-byte-wait', at, request, origin, outcome, duration: this.age });
  }

  headOut(status: number): void {
    this.status = status;
    this.#headOutAt = this.#clock.now();
  }

  sent(bytes: number, source: ByteSource, offset: number): void {
    const at = this.#clock.now();
    this.#firstByteOutAt ??= at;
    this.#bytes += bytes;
    const { fill, origin, path } = this;
    if (origin === null) throw new TypeError('Bytes are sent of an origin.');
    this.#events.emit({ type: 'bytes-sent', at, request: this.#id, fill, origin, path, source, offset, bytes });
  }

  /** A 5xx of our own is about to go out. */
  failed(error: ProxyError, phase: FillPhase | null): void {
    const { origin, path } = this;
    const { status, type: reason, message } = error;
    const [request, at, waited] = [this.#id, this.#clock.now(), this.age];
    this.#events.emit({ type: 'own-error', at, request, origin, path, status, reason, phase, waited, message });
  }

  bug(error: unknown): void {
    this.#events.emit(bugOf(error, this.#clock.now()));
  }

  done(outcome: RequestOutcome, patienceAt: number | null): void {
    const { origin, path, status, cache, fill, range } = this;
    const doneAt = this.#clock.now();
    this.#events.emit({
      type: 'request-done',
      at: doneAt,
      request: this.#id,
      origin,
      path,
      method: this.#method,
      status,
      outcome,
      cache,
      fill,
      traceparent: this.#traceparent,
      range,
      bytes: this.#bytes,
      timeline: {
        acceptedAt: this.acceptedAt,
        patienceAt,
        headOutAt: this.#headOutAt,
        firstByteOutAt: this.#firstByteOutAt,
        doneAt,
      },
    });
  }
}

/** The field, where its version is the known one (W3C Trace Context §3.2); else `null`. */
function traceparentOf(field: unknown): string | null {
  return typeof field === 'string' && /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(field) ? field : null;
}
