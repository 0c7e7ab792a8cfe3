/** The state of one fill over time: takes each event, and tells everyone of what changed by it. */
import type { Clock } from '../clock.ts';
import type { EventBus } from '../events.ts';
import type { Representation } from '../http/representation.ts';
import { describeFailure, type Failure } from './failure.ts';
import { type Activity, eventFor, type FillEvent, type FillState, representationOf, transition } from './fill-state.ts';
import { retryAfter } from './retry.ts';

/** What a fill is called in events. */
export interface FillName {
  readonly fill: number;
  readonly origin: string;
  readonly path: string;
}

export class Lifecycle {
  readonly #name: FillName;
  readonly #clock: Clock;
  readonly #events: EventBus;
  #state: FillState;
  #wantedAt: number;

  constructor(name: FillName, stored: Representation | null, clock: Clock, events: EventBus) {
    this.#name = name;
    this.#clock = clock;
    this.#events = events;
    this.#state = { phase: 'idle', stored };
    this.#wantedAt = clock.now();
  }

  get state(): FillState {
    return this.#state;
  }

  /** The representation, from the moment it is known. */
  get known(): Representation | null {
    return representationOf(this.#state);
  }

  apply(event: FillEvent): void {
    const from = this.#state.phase;
    this.#state = transition(this.#state, event);
    const to = this.#state.phase;
    if (from === to) return;
    if (event.type === 'wanted') this.#wantedAt = event.at;
    const at = this.#clock.now();
    this.#events.emit({ type: 'fill-state', at, ...this.#name, from, to });
    if (event.type === 'failed') this.#tellFailure(event.failure, at);
    const length = this.known?.length ?? 0;
    if (event.type === 'whole' && from === 'filling') {
      this.#events.emit({ type: 'fill-done', at, ...this.#name, length, duration: at - this.#wantedAt });
    }
  }

  /** Brings the phase in line with what the cursors do. */
  settle(activity: Activity): void {
    const at = this.#clock.now();
    const pause = activity.failure === null ? 0 : retryAfter(activity.failure, this.#clock.wallTime());
    const retryAt = pause > 0 ? at + pause : null;
    const next = () => eventFor(this.#state, activity, at, retryAt);
    for (let event = next(); event !== null; event = next()) this.apply(event);
  }

  #tellFailure(failure: Failure, at: number): void {
    const error = failure.kind === 'error' ? failure.error.type : 'origin_status';
    const status = failure.kind === 'answer' ? failure.answer.status : null;
    const message = describeFailure(failure);
    this.#events.emit({ type: 'fill-failed', at, ...this.#name, error, status, message });
  }
}
