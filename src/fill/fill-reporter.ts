/** Tells what happens to one fill, as events (`events.ts`). */
import type { Clock } from '../clock.ts';
import { bugOf, type EventBus, type FillPhase, type RetryCause } from '../events.ts';
import type { FirstByteTimes } from './body-request.ts';
import { describeFailure, type Failure, isTrouble } from './failure.ts';
import type { LineView } from './line.ts';

/** What a fill is called in events. */
export interface FillName {
  readonly fill: number;
  readonly origin: string;
  readonly path: string;
}

/** A fetch, as far as it is told of. */
interface Told {
  readonly position: number;
  readonly status: { readonly attempt: number; readonly received: number };
}

export class FillReporter {
  readonly #name: FillName;
  readonly #clock: Clock;
  readonly #events: EventBus;

  constructor(name: FillName, clock: Clock, events: EventBus) {
    this.#name = name;
    this.#clock = clock;
    this.#events = events;
  }

  phaseChanged(from: FillPhase, to: FillPhase): void {
    this.#events.emit({ type: 'fill-state', ...this.#base, from, to });
  }

  /** Every byte of `length` is present, `duration` milliseconds after the first was wanted. */
  done(length: number, duration: number): void {
    this.#events.emit({ type: 'fill-done', ...this.#base, length, duration });
  }

  failed(failure: Failure): void {
    if (!isTrouble(failure)) return;
    const error = failure.kind === 'error' ? failure.error.type : 'origin_status';
    const status = failure.kind === 'answer' ? failure.answer.status : null;
    this.#events.emit({ type: 'fill-failed', ...this.#base, error, status, message: describeFailure(failure) });
  }

  line({ needs, gives, outcome, words: message }: LineView): void {
    this.#events.emit({ type: 'line', ...this.#base, needs, gives, outcome, message });
  }

  firstByte({ status: { attempt } }: Told, times: FirstByteTimes): void {
    this.#events.emit({ type: 'fill-first-byte', ...this.#base, attempt, storedAt: this.#clock.now(), ...times });
  }

  /** The origin is asked again after `delay` milliseconds. */
  retry({ position: offset, status: { attempt, received } }: Told, cause: RetryCause, delay: number): void {
    const kind = received > 0 ? 'heal' : 'retry';
    this.#events.emit({ type: 'retry', ...this.#base, kind, cause, offset, attempt, delay });
  }

  received(offset: number, bytes: number): void {
    const { fill, origin } = this.#name;
    this.#events.emit({ type: 'bytes-landed', at: this.#clock.now(), fill, origin, offset, bytes });
  }

  bug(error: unknown): void {
    this.#events.emit(bugOf(error, this.#clock.now()));
  }

  get #base() {
    return { at: this.#clock.now(), ...this.#name };
  }
}
