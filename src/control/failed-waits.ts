/** The last requests whose wait for the first byte failed: which, why, and what their players were told. */
import type { Clock } from '../clock.ts';
import type { EventBus } from '../events.ts';
import type { FailedWaitReport } from './answers.ts';

/** So many are kept. */
const kept = 100;

/** A request whose wait has failed and that is not over. */
interface Failing {
  readonly outcome: FailedWaitReport['outcome'];
  readonly waited: number;
  message: string | null;
}

export class FailedWaits {
  readonly #failing = new Map<number, Failing>();
  readonly #last: FailedWaitReport[] = [];
  /** Stops listening to events. */
  readonly stop: () => void;

  constructor(events: EventBus, clock: Clock) {
    this.stop = events.subscribe((event) => {
      if (event.type === 'first-byte-wait') {
        const { request, outcome, duration: waited } = event;
        if (outcome === 'late' || outcome === 'failed') this.#failing.set(request, { outcome, waited, message: null });
      } else if (event.type === 'own-error') {
        const failing = this.#failing.get(event.request);
        if (failing !== undefined) failing.message = event.message;
      } else if (event.type === 'request-done') {
        const { request, origin, path, status } = event;
        const failing = this.#failing.get(request);
        this.#failing.delete(request);
        if (failing === undefined || origin === null) return;
        const message = failing.message ?? `The origin answered ${status}.`;
        const time = new Date(clock.wallTime()).toISOString();
        this.#last.push({ time, request, origin, path, status, ...failing, message });
        if (this.#last.length > kept) this.#last.shift();
      }
    });
  }

  /** The oldest first. */
  get last(): readonly FailedWaitReport[] {
    return [...this.#last];
  }
}
