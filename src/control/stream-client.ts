/** One client of the event stream: what it wants to hear, how far it has heard, and how it keeps up. */
import type { ServerResponse } from 'node:http';
import { fixedBudgets } from '../budgets.ts';
import type { Clock } from '../clock.ts';
import type { EventRing } from './event-ring.ts';
import { type StreamEvent, streamedTypes } from './streamed.ts';

/** What may be on its way to one client before it is passed over, in characters. */
const mostUnsent = 64 * 1024;

/** Who takes nothing for so long is disconnected, in milliseconds. */
const mostPatience = fixedBudgets.eventClient.ms;

/** After so many milliseconds a browser whose stream broke off comes back. */
const comesBackAfter = 2000;

/** What a client asks for, as it wrote it. */
export interface StreamQuery {
  /** Event types with commas between them; all where absent. */
  readonly types?: string | undefined;
  /** An origin's name; events of no origin are left out then. */
  readonly origin?: string | undefined;
  /** The last id that it has seen. */
  readonly after?: string | undefined;
}

/** What a client asks for, understood. */
export interface StreamFilter {
  readonly types: ReadonlySet<string>;
  readonly origin: string | null;
  readonly after: number | null;
}

/** Or what is wrong with the query, in one sentence. */
export function filterOf({ types = '', origin = '', after = '' }: StreamQuery): StreamFilter | string {
  const asked = types === '' ? streamedTypes : types.split(',');
  const unknown = asked.find((type) => !streamedTypes.includes(type));
  if (unknown !== undefined) {
    return `There is no event type "${unknown}" in "types"; there are ${streamedTypes.join(', ')}.`;
  }
  if (!/^\d{0,15}$/.test(after)) return `"${after}" is no id of an event; one is the number that came as "id".`;
  return {
    types: new Set(asked),
    origin: origin === '' ? null : origin,
    after: after === '' ? null : Number(after),
  };
}

export class StreamClient {
  readonly #response: ServerResponse;
  readonly #filter: StreamFilter;
  readonly #ring: EventRing;
  readonly #clock: Clock;
  /** The id of the last event that it got, or that was not for it. */
  #position: number;
  #unsent = 0;
  #progressAt = 0;
  /** Whether it was passed over, because too much was on its way. */
  #behind = false;

  constructor(response: ServerResponse, filter: StreamFilter, ring: EventRing, clock: Clock) {
    this.#response = response;
    this.#filter = filter;
    this.#ring = ring;
    this.#clock = clock;
    this.#position = filter.after ?? ring.newest;
  }

  /** Tells what it has missed since it was here last, as far as that is known. */
  begin(): void {
    this.#send(`retry: ${comesBackAfter}\n\n`);
    if (this.#position > this.#ring.newest) this.#send(this.#gap(this.#ring.newest + 1));
    this.write();
  }

  /** Sends what is new, as much as there is room for. */
  write(): void {
    let text = '';
    this.#behind = false;
    while (this.#position < this.#ring.newest) {
      if (this.#unsent + text.length >= mostUnsent) {
        this.#behind = true;
        break;
      }
      const next = this.#ring.at(this.#position + 1);
      if (next === undefined) {
        text += this.#gap(this.#ring.oldest);
      } else {
        this.#position = next.id;
        if (this.#wants(next.event)) text += next.text();
      }
    }
    if (text !== '') this.#send(text);
  }

  /** Shows that the connection is alive, and ends one that has taken nothing for too long. */
  beat(): void {
    if (this.#unsent === 0) this.#send(':\n\n');
    else if (this.#clock.now() - this.#progressAt >= mostPatience) this.#response.destroy();
  }

  end(): void {
    this.#response.end();
  }

  #wants(event: StreamEvent): boolean {
    const { types, origin } = this.#filter;
    return types.has(event.type) && (origin === null || ('origin' in event && event.origin === origin));
  }

  /** Goes on before `next`, and says so; events with ids in between are lost to it, if there were any. */
  #gap(next: number): string {
    const lost = JSON.stringify({ after: this.#position, next });
    this.#position = next - 1;
    return `id: ${this.#position}\nevent: gap\ndata: ${lost}\n\n`;
  }

  #send(text: string): void {
    if (this.#unsent === 0) this.#progressAt = this.#clock.now();
    this.#unsent += text.length;
    this.#response.write(text, () => {
      this.#unsent -= text.length;
      this.#progressAt = this.#clock.now();
      if (this.#behind) this.write();
    });
  }
}
