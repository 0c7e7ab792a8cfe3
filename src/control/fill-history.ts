/**
 * The past of each fill: when it was first wanted, how its first byte came, and its last error.
 *
 * Made of the domain's events alone, and kept as long as the fill lives: every fill ends idle.
 */
import type { EventBus, FillFirstByteEvent } from '../events.ts';

/** Times are monotonic milliseconds. */
export interface FillPast {
  wantedAt: number | null;
  /** How its first byte came; `null` before it did. */
  firstByte: FillFirstByteEvent | null;
  doneAt: number | null;
  retries: number;
  /** How often the origin was asked again after bytes had come. */
  heals: number;
  lastError: { readonly at: number; readonly message: string } | null;
}

export class FillHistory {
  readonly #pasts = new Map<number, FillPast>();
  /** Stops listening to events. */
  readonly stop: () => void;

  constructor(events: EventBus) {
    this.stop = events.subscribe((event) => {
      switch (event.type) {
        case 'fill-state':
          if (event.to === 'idle') this.#pasts.delete(event.fill);
          else if (event.to === 'queued') this.#pastOf(event.fill).wantedAt ??= event.at;
          return;
        case 'fill-first-byte':
          this.#pastOf(event.fill).firstByte ??= event;
          return;
        case 'fill-done':
          this.#pastOf(event.fill).doneAt = event.at;
          return;
        case 'fill-failed':
          this.#pastOf(event.fill).lastError = { at: event.at, message: event.message };
          return;
        case 'retry': {
          const past = this.#pastOf(event.fill);
          past[event.kind === 'heal' ? 'heals' : 'retries'] += 1;
          past.lastError = { at: event.at, message: `The origin was asked again: ${retryWords[event.cause]}.` };
        }
      }
    });
  }

  of(fill: number): FillPast {
    return this.#pasts.get(fill) ?? noPast();
  }

  #pastOf(fill: number): FillPast {
    const past = this.#pasts.get(fill) ?? noPast();
    this.#pasts.set(fill, past);
    return past;
  }
}

const retryWords = {
  refused: 'it refused the connection',
  unresolved: 'its name could not be resolved',
  reset: 'it closed the connection',
  timeout: 'it did not answer in time',
  status: 'its answer was an error',
  contradiction: 'its answer contradicted the range that was asked for, or itself',
  cut: 'it broke off in the middle',
  stall: 'it fell silent in the middle',
  other: 'it could not be reached',
} as const;

function noPast(): FillPast {
  return { wantedAt: null, firstByte: null, doneAt: null, retries: 0, heals: 0, lastError: null };
}
