/** What a fetch does and has done: what deadlines count by, and what people see. Only the fetch writes it. */
import type { Clock } from '../clock.ts';
import type { FetchTimes } from './deadlines.ts';
import type { Failure } from './failure.ts';
import { BodyThroughput } from './throughput.ts';

export type FetchPhase = 'queued' | 'connecting' | 'streaming' | 'parked' | 'done' | 'failed';

export class FetchStatus implements FetchTimes {
  readonly #clock: Clock;
  readonly #throughput = new BodyThroughput();
  #queuedSince: number | null = null;
  #queuedBefore = 0;
  readonly openedAt: number;
  phase: FetchPhase = 'queued';
  /** Of the connection that is being tried, from 1. */
  attempt = 1;
  /** Bytes that came in all. */
  received = 0;
  /** When the last byte came, or `null` before the first, in monotonic milliseconds. */
  progressAt: number | null = null;
  /** When the last byte came, or the body began to come in which it is awaited; in monotonic milliseconds. */
  flowedAt = Number.NEGATIVE_INFINITY;
  /** What the origin did last where it did not deliver; `null` where bytes have come since. */
  lastFailure: Failure | null = null;
  /** Whether it failed because the budget of all who hoped was spent. */
  budgetSpent = false;
  /** When the origin will be asked again, while it is not; in monotonic milliseconds. */
  retryAt: number | null;

  constructor(clock: Clock, retryAt: number | null) {
    this.#clock = clock;
    this.openedAt = clock.now();
    this.retryAt = retryAt;
  }

  get live(): boolean {
    return this.phase !== 'done' && this.phase !== 'failed';
  }

  get queued(): boolean {
    return this.#queuedSince !== null;
  }

  get queuedFor(): number {
    return this.#queuedBefore + (this.#queuedSince === null ? 0 : this.#clock.now() - this.#queuedSince);
  }

  beginQueueing(): void {
    this.#queuedSince = this.#clock.now();
  }

  endQueueing(): void {
    this.#queuedBefore = this.queuedFor;
    this.#queuedSince = null;
  }

  /** Bytes a second of what comes now, or `null` before there are any. */
  get throughput(): number | null {
    return this.#throughput.overall(this.#clock.now());
  }

  /** The same without the burst that a connection begins with; `null` before enough has come to tell. */
  get steadyThroughput(): number | null {
    return this.#throughput.steady(this.#clock.now());
  }

  /** Bytes begin to come after a pause. */
  flows(): void {
    this.flowedAt = this.#clock.now();
    this.#throughput.begin(this.flowedAt);
  }

  came(bytes: number): void {
    this.received += bytes;
    this.#throughput.add(bytes);
    this.flowedAt = this.#clock.now();
    this.progressAt = this.flowedAt;
    this.lastFailure = null;
  }
}
