/** One client of the event stream: its filter, its position, and its unsent text. */
import type { ServerResponse } from 'node:http';
import { fixedBudgets } from '../budgets.ts';
import type { Clock } from '../clock.ts';
import type { EventRing } from './event-ring.ts';
import { type StreamEvent, streamedTypes } from './streamed.ts';

/** A client with more unsent characters is skipped. */
const mostUnsent = 64 * 1024;

/** A client that takes nothing for so long is disconnected. */
const mostPatienceMs = fixedBudgets.eventClient.ms;

/** A browser reconnects after so many milliseconds. */
const reconnectMs = 2000;

/** The query of a client, as it was written. */
export interface StreamQuery {
  /** Event types, separated by commas; all where absent. */
  readonly types?: string | undefined;
  /** The name of an origin; then events without an origin are left out. */
  readonly origin?: string | undefined;
  /** The last id that the client has seen. */
  readonly after?: string | undefined;
}

/** The query of a client, parsed. */
export interface StreamFilter {
  readonly types: ReadonlySet<string>;
  readonly origin: string | null;
  readonly after: number | null;
}

/** Or the error in the query, in one sentence. */
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
  /** The id of the last event that it got or that its filter left out. */
  #position: number;
  #unsent = 0;
  #progressAt = 0;
  /** Whether it was skipped, because it had too much unsent text. */
  #behind = false;

  constructor(response: ServerResponse, filter: StreamFilter, ring: EventRing, clock: Clock) {
    this.#response = response;
    this.#filter = filter;
    this.#ring = ring;
    this.#clock = clock;
    this.#position = filter.after ?? ring.newest;
  }

  /** Sends the kept events that it has missed. */
  begin(): void {
    this.#send(`retry: ${reconnectMs}\n\n`);
    if (this.#position > this.#ring.newest) this.#send(this.#gap(this.#ring.newest + 1));
    this.write();
  }

  /** Sends new events, as many as there is room for. */
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

  /** Sends a sign of life, and ends a connection that has taken nothing for too long. */
  beat(): void {
    if (this.#unsent === 0) this.#send(':\n\n');
    else if (this.#clock.now() - this.#progressAt >= mostPatienceMs) this.#response.destroy();
  }

  end(): void {
    this.#response.end();
  }

  #wants(event: StreamEvent): boolean {
    const { types, origin } = this.#filter;
    return types.has(event.type) && (origin === null || ('origin' in event && event.origin === origin));
  }

  /** Continues with `next`, and reports the lost ids in between, if there were any. */
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
