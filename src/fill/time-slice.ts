/**
 * When a fetch gives its connection to another claimant: to a more urgent one at once, and to one whose reader waits as well
 * after its time slice.
 *
 * The slice lasts from the first body on: the wait for a head is nobody's fault.
 */
import type { Clock } from '../clock.ts';
import { type ConnectionSlots, outranks, type Urgency } from './connection-slots.ts';

const most = { durationMs: 1000, bytes: 4 * 1024 * 1024 };

export class TimeSlice {
  readonly #clock: Clock;
  readonly #slots: Pick<ConnectionSlots, 'contention'>;
  #begun: { readonly at: number; readonly received: number } | null = null;

  constructor(clock: Clock, slots: Pick<ConnectionSlots, 'contention'>) {
    this.#clock = clock;
    this.#slots = slots;
  }

  /** A body begins, when the fetch has received so many bytes. */
  begin(received: number): void {
    this.#begun ??= { at: this.#clock.now(), received };
  }

  /** Whether somebody waits for whom it is over, with so many bytes received; or will be in so many milliseconds. */
  isOver(received: number, inMs = 0): boolean {
    if (this.#begun === null || this.#slots.contention !== 'waited for') return false;
    const duration = this.#clock.now() + inMs - this.#begun.at;
    return received - this.#begun.received >= most.bytes || duration >= most.durationMs;
  }

  /** Whether somebody waits who is more urgent. */
  isOutranked(urgency: Urgency): boolean {
    return outranks(this.#slots.contention, urgency);
  }
}
