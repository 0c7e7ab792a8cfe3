/**
 * The last hour, in steps of ten seconds: bytes in and out, waits, and the state of origins.
 *
 * Made of the domain's events alone, without a timer: an event belongs to the step in which it happened. A past step
 * keeps a few numbers. The current step keeps its newest 4096 waits.
 */
import type { Clock } from '../clock.ts';
import type { DomainEvent, EventBus } from '../events.ts';
import type { HistoryPoint, HistoryReport } from './answers.ts';

/** In milliseconds. */
const interval = 10_000;
const mostPoints = 360;
const mostWaits = 4096;

export interface History {
  /** The steps of the last minutes, at most an hour, the oldest first. The last one is under way. */
  read(minutes: number): HistoryReport;
  /** Stops listening to events. */
  stop(): void;
}

/** Keeps the events of the bus from now on. */
export function createHistory(events: EventBus, clock: Clock): History {
  const begunAt = clock.now();
  const stepAt = (at: number) => Math.floor((at - begunAt) / interval);
  /** Past steps with events, by their number, the oldest first. */
  const over = new Map<number, Omit<HistoryPoint, 'at'>>();
  let step = 0;
  let current = new Step();

  /** Moves on to the current step. */
  const turn = () => {
    const now = stepAt(clock.now());
    if (now === step) return;
    if (!current.isEmpty) over.set(step, current.sum());
    for (const old of over.keys()) if (old <= now - mostPoints) over.delete(old);
    step = now;
    current = new Step();
  };
  const stop = events.subscribe((event) => {
    turn();
    current.take(event);
  });

  return {
    stop,
    read(minutes) {
      turn();
      const count = Math.min(mostPoints, step + 1, Math.max(1, Math.ceil((minutes * 60_000) / interval)));
      const zero = clock.wallTime() - clock.now() + begunAt;
      const nothing = new Step().sum();
      const points = Array.from({ length: count }, (_, index) => {
        const number = step - count + 1 + index;
        const at = new Date(zero + number * interval).toISOString();
        return { at, ...(number === step ? current.sum() : (over.get(number) ?? nothing)) };
      });
      return { interval, points };
    },
  };
}

/** The times of one kind, for their quantiles. */
class Times {
  readonly #kept: number[] = [];
  #seen = 0;

  add(time: number): void {
    this.#kept[this.#seen % mostWaits] = time;
    this.#seen += 1;
  }

  /** The least time that is not exceeded by a share of all times (nearest rank), in whole milliseconds. */
  quantile(share: number): number | null {
    const sorted = [...this.#kept].sort((one, other) => one - other);
    const found = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
    return found === undefined ? null : Math.round(found);
  }
}

class OriginStep {
  bytesIn = 0;
  failures = 0;
  readonly firstBytes = new Times();

  sum(): HistoryPoint['origins'][string] {
    return { bytesIn: this.bytesIn, firstByteP50: this.firstBytes.quantile(0.5), failures: this.failures };
  }
}

/** The numbers of one step. */
class Step {
  #bytesIn = 0;
  #bytesOut = 0;
  #requests = 0;
  #ownErrors = 0;
  #waits = 0;
  readonly #firstBytes = new Times();
  readonly #origins = new Map<string, OriginStep>();
  isEmpty = true;

  take(event: DomainEvent): void {
    this.isEmpty = false;
    switch (event.type) {
      case 'bytes-landed':
        this.#bytesIn += event.bytes;
        this.#at(event.origin).bytesIn += event.bytes;
        return;
      case 'bytes-sent':
        this.#bytesOut += event.bytes;
        return;
      case 'request-done':
        this.#requests += 1;
        return;
      case 'own-error':
        this.#ownErrors += 1;
        return;
      case 'first-byte-wait':
        this.#waits += 1;
        if (event.outcome === 'served') this.#firstBytes.add(event.duration);
        return;
      case 'fill-first-byte':
        this.#at(event.origin).firstBytes.add(event.landedAt - event.startedAt);
        return;
      case 'retry':
        this.#at(event.origin).failures += 1;
        return;
      case 'fill-failed':
        this.#at(event.origin).failures += 1;
        return;
    }
  }

  sum(): Omit<HistoryPoint, 'at'> {
    return {
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
      requests: this.#requests,
      ownErrors: this.#ownErrors,
      waits: this.#waits,
      firstByteP50: this.#firstBytes.quantile(0.5),
      firstByteP95: this.#firstBytes.quantile(0.95),
      origins: Object.fromEntries([...this.#origins].map(([name, origin]) => [name, origin.sum()])),
    };
  }

  #at(name: string): OriginStep {
    const origin = this.#origins.get(name) ?? new OriginStep();
    this.#origins.set(name, origin);
    return origin;
  }
}
