/**
 * The last events with their ids, for clients that come back. Bounded in number and memory.
 *
 * Ids increase by one. They start at the time of day in milliseconds. So an id from before a restart is lower than all
 * ids after it, and never names another event.
 */
import type { Clock } from '../clock.ts';
import type { StreamEvent } from './streamed.ts';

/** At most so many events are kept. */
const mostEvents = 2048;

/** At most so many characters are kept. */
const mostWeight = 4 * 1024 * 1024;

export interface NumberedEvent {
  readonly id: number;
  readonly event: StreamEvent;
  /** Its text on the stream; made when it is first needed. */
  readonly text: () => string;
}

export class EventRing {
  readonly #clock: Clock;
  readonly #kept: (NumberedEvent | undefined)[] = new Array(mostEvents);
  #oldest: number;
  #next: number;
  #weight = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#oldest = this.#next = clock.wallTime();
  }

  /** The id of the newest event; before there is one, the id before the first. */
  get newest(): number {
    return this.#next - 1;
  }

  /** The id of the oldest kept event; where none is kept, the next id. */
  get oldest(): number {
    return this.#oldest;
  }

  push(event: StreamEvent): void {
    if (this.#next - this.#oldest === mostEvents) this.#drop();
    const id = this.#next;
    let text: string | null = null;
    this.#kept[id % mostEvents] = { id, event, text: () => (text ??= textOf(id, event, this.#clock)) };
    this.#next += 1;
    this.#weight += weightOf(event);
    while (this.#weight > mostWeight) this.#drop();
  }

  at(id: number): NumberedEvent | undefined {
    return id >= this.#oldest && id < this.#next ? this.#kept[id % mostEvents] : undefined;
  }

  #drop(): void {
    const dropped = this.at(this.#oldest);
    this.#kept[this.#oldest % mostEvents] = undefined;
    this.#oldest += 1;
    if (dropped !== undefined) this.#weight -= weightOf(dropped.event);
  }
}

/** About how many characters it has on the stream; only a few fields can be long. */
function weightOf(event: StreamEvent): number {
  let weight = 300;
  if ('path' in event) weight += event.path.length;
  if ('message' in event) weight += event.message.length;
  if ('stack' in event) weight += event.stack.length;
  return weight;
}

/** Timestamps become times of day (ISO 8601); durations stay milliseconds. */
function textOf(id: number, event: StreamEvent, clock: Clock): string {
  const zero = clock.wallTime() - clock.now();
  const moment = (key: string, value: unknown) =>
    typeof value === 'number' && (key === 'at' || key.endsWith('At')) ? new Date(zero + value).toISOString() : value;
  return `id: ${id}\nevent: ${event.type}\ndata: ${JSON.stringify(event, moment)}\n\n`;
}
