/**
 * The events of the stream: all domain events, but for single reads and writes of bytes, which are summed up as
 * traffic.
 */
import type { Clock, Timer } from '../clock.ts';
import type { BytesLandedEvent, BytesSentEvent, DomainEvent } from '../events.ts';

/** The bytes that came from an origin and went to clients in the past second. */
export interface TrafficEvent {
  readonly type: 'traffic';
  readonly at: number;
  readonly origin: string;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

type BytesEvent = BytesLandedEvent | BytesSentEvent;
export type StreamEvent = Exclude<DomainEvent, BytesEvent> | TrafficEvent;

/** The type makes this complete: a new domain event must be listed here. */
const known: Record<StreamEvent['type'], true> = {
  'fill-state': true,
  'fill-first-byte': true,
  'fill-done': true,
  'fill-failed': true,
  line: true,
  retry: true,
  breaker: true,
  refresh: true,
  'first-byte-wait': true,
  'own-error': true,
  'request-done': true,
  failover: true,
  'job-done': true,
  evicted: true,
  'block-lost': true,
  'buffer-wait': true,
  'stalled-ended': true,
  'store-state': true,
  'client-bound': true,
  bug: true,
  traffic: true,
};

export const streamedTypes: readonly string[] = Object.keys(known);

const intervalMs = 1000;

/** Sums up bytes, and reports them once a second while there are any. */
export class Traffic {
  readonly #clock: Clock;
  readonly #tell: (event: TrafficEvent) => void;
  #sums = new Map<string, { bytesIn: number; bytesOut: number }>();
  #timer: Timer | null = null;

  constructor(clock: Clock, tell: (event: TrafficEvent) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  take({ type, origin, bytes }: BytesEvent): void {
    let sums = this.#sums.get(origin);
    if (sums === undefined) {
      sums = { bytesIn: 0, bytesOut: 0 };
      this.#sums.set(origin, sums);
    }
    sums[type === 'bytes-landed' ? 'bytesIn' : 'bytesOut'] += bytes;
    this.#timer ??= this.#clock.after(intervalMs, () => this.#tick());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#sums.clear();
  }

  #tick(): void {
    const sums = this.#sums;
    this.#sums = new Map();
    this.#timer = sums.size === 0 ? null : this.#clock.after(intervalMs, () => this.#tick());
    for (const [origin, { bytesIn, bytesOut }] of sums) {
      this.#tell({ type: 'traffic', at: this.#clock.now(), origin, bytesIn, bytesOut });
    }
  }
}
