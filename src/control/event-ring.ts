/**
 * The last events, numbered, for those who come back after a while: bounded in number and in memory.
 *
 * Ids go up by one. They begin at the time of day in milliseconds, so that an id from before a restart is older than
 * every id after it and is never taken for another event of the same number.
 */
import type { Clock } from '../clock.ts';
import type { StreamEvent } from './streamed.ts';

/** How many are kept at most. */
const mostEvents = 2048;

/** What they may weigh together, in characters. */
const mostWeight = 4 * 1024 * 1024;

export interface NumberedEvent {
  readonly id: number;
  readonly event: StreamEvent;
  /** As it goes out; made when somebody wants it first. */
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

  /** The id of the newest, or the one before the first there will be. */
  get newest(): number {
    return this.#next - 1;
  }

  /** The id of the oldest that is kept; where none is, the next there will be. */
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

/** About as many characters as it has on the stream: only a few fields can be long. */
function weightOf(event: StreamEvent): number {
  let weight = 300;
  if ('path' in event) weight += event.path.length;
  if ('message' in event) weight += event.message.length;
  if ('stack' in event) weight += event.stack.length;
  return weight;
}

/** Every moment is a time of day (ISO 8601), every duration milliseconds. */
function textOf(id: number, event: StreamEvent, clock: Clock): string {
  const zero = clock.wallTime() - clock.now();
  const moment = (key: string, value: unknown) =>
    typeof value === 'number' && (key === 'at' || key.endsWith('At')) ? new Date(zero + value).toISOString() : value;
  return `id: ${id}\nevent: ${event.type}\ndata: ${JSON.stringify(event, moment)}\n\n`;
}
