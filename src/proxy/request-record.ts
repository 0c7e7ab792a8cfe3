/** What is known of one request for events: its timeline, its outcome, what went out. It owns every event of a request. */
import type { ByteRange } from '../bytes/byte-range.ts';
import type { Clock } from '../clock.ts';
import type { ProxyError } from '../errors.ts';
import type { ByteSource, CacheResult, EventBus, FillPhase, RequestOutcome, WaitOutcome } from '../events.ts';

export class RequestRecord {
  readonly #id: number;
  readonly #method: string;
  readonly #clock: Clock;
  readonly #events: EventBus;
  readonly #acceptedAt: number;
  #headOutAt: number | null = null;
  #firstByteOutAt: number | null = null;
  #bytes = 0;
  /** A configured origin's name; `null` where the request named none. */
  origin: string | null = null;
  /** Without the query. */
  path = '';
  cache: CacheResult = 'none';
  range: ByteRange | null = null;
  status: number | null = null;

  constructor(id: number, method: string, clock: Clock, events: EventBus) {
    this.#id = id;
    this.#method = method;
    this.#clock = clock;
    this.#events = events;
    this.#acceptedAt = clock.now();
  }

  /** Milliseconds since the request was accepted. */
  get age(): number {
    return this.#clock.now() - this.#acceptedAt;
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

  sent(bytes: number, source: ByteSource): void {
    this.#firstByteOutAt ??= this.#clock.now();
    this.#bytes += bytes;
    const at = this.#clock.now();
    this.#events.emit({ type: 'bytes-sent', at, origin: this.origin ?? '', source, bytes });
  }

  /** A 5xx of our own is about to go out. */
  failed(error: ProxyError, phase: FillPhase | null): void {
    const { origin, path } = this;
    const { status, type: reason, message } = error;
    const [request, at, waited] = [this.#id, this.#clock.now(), this.age];
    this.#events.emit({ type: 'own-error', at, request, origin, path, status, reason, phase, waited, message });
  }

  bug(error: unknown): void {
    const stack = error instanceof Error ? (error.stack ?? '') : '';
    this.#events.emit({ type: 'bug', at: this.#clock.now(), message: String(error), stack });
  }

  done(outcome: RequestOutcome, patienceAt: number | null): void {
    const { origin, path, status, cache, range } = this;
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
      range,
      bytes: this.#bytes,
      timeline: {
        acceptedAt: this.#acceptedAt,
        patienceAt,
        headOutAt: this.#headOutAt,
        firstByteOutAt: this.#firstByteOutAt,
        doneAt,
      },
    });
  }
}
