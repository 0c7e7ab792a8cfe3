/**
 * `GET /-/events`: events as they happen (server-sent events).
 *
 * A client has no queue of its own. It has a position in the ring of the last events, and up to 64 KiB of unsent text.
 * When a slow client reads on, the ring may have moved past its position; it is told of the gap and continues after it.
 * A client that takes nothing for a minute is disconnected. Writes to many clients are spread over time, so that the
 * first byte of a film never waits for a hundred sockets.
 */
import type { ServerResponse } from 'node:http';
import type { Clock, Timer } from '../clock.ts';
import type { EventBus } from '../events.ts';
import { EventRing } from './event-ring.ts';
import { filterOf, StreamClient, type StreamQuery } from './stream-client.ts';
import { type StreamEvent, Traffic } from './streamed.ts';

/** At most so many clients. */
const mostClients = 128;

const heartbeatMs = 15_000;
const gatherForMs = 50;

/** So many clients are written to in one turn of the event loop. */
const slice = 8;

/** Why no stream begins: a status and a sentence. */
export interface StreamRefusal {
  readonly status: 400 | 503;
  readonly detail: string;
}

export class EventStream {
  readonly #clock: Clock;
  readonly #ring: EventRing;
  readonly #traffic: Traffic;
  readonly #clients = new Set<StreamClient>();
  readonly #unsubscribe: () => void;
  #flush: Timer | null = null;
  #beat: Timer | null = null;

  constructor(events: EventBus, clock: Clock) {
    this.#clock = clock;
    this.#ring = new EventRing(clock);
    this.#traffic = new Traffic(clock, (event) => this.#push(event));
    this.#unsubscribe = events.subscribe((event) => {
      // Repeated events of a crowd must not push other events out of the ring.
      if (event.type === 'client-bound' && !event.isNews) return;
      if (event.type !== 'bytes-landed' && event.type !== 'bytes-sent') this.#push(event);
      // Traffic of past seconds is not kept.
      else if (this.#clients.size > 0) this.#traffic.take(event);
    });
  }

  /** How many clients there are. */
  get clients(): number {
    return this.#clients.size;
  }

  /**
   * Begins a stream on the response, with `fields` in its head. Or returns why not, and does not touch the response.
   */
  open(query: StreamQuery, response: ServerResponse, fields: Readonly<Record<string, string>>): StreamRefusal | null {
    const filter = filterOf(query);
    if (typeof filter === 'string') return { status: 400, detail: filter };
    if (this.#clients.size >= mostClients) {
      return { status: 503, detail: `${mostClients} clients follow the events already; that is the most.` };
    }
    response.writeHead(200, { ...fields, 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
    if (response.req.method === 'HEAD') {
      response.end();
      return null;
    }
    const client = new StreamClient(response, filter, this.#ring, this.#clock);
    this.#clients.add(client);
    response.once('close', () => this.#left(client));
    client.begin();
    this.#beat ??= this.#clock.after(heartbeatMs, () => this.#onBeat());
    return null;
  }

  /** Ends every stream. */
  stop(): void {
    this.#unsubscribe();
    for (const client of this.#clients) client.end();
    this.#clients.clear();
    this.#rest();
  }

  #push(event: StreamEvent): void {
    this.#ring.push(event);
    if (this.#clients.size > 0) this.#schedule();
  }

  #schedule(): void {
    this.#flush ??= this.#clock.after(gatherForMs, () => this.#write([...this.#clients], this.#ring.newest));
  }

  /** Writes to some clients now and to the rest in later turns. Events after `newest` begin a new round. */
  #write(clients: readonly StreamClient[], newest: number): void {
    for (const client of clients.slice(0, slice)) client.write();
    const rest = clients.slice(slice);
    this.#flush = rest.length === 0 ? null : this.#clock.after(0, () => this.#write(rest, newest));
    if (this.#ring.newest > newest) this.#schedule();
  }

  #onBeat(): void {
    for (const client of this.#clients) client.beat();
    this.#beat = this.#clock.after(heartbeatMs, () => this.#onBeat());
  }

  #left(client: StreamClient): void {
    this.#clients.delete(client);
    if (this.#clients.size === 0) this.#rest();
  }

  /** Without clients there is nothing to do. */
  #rest(): void {
    this.#flush?.cancel();
    this.#beat?.cancel();
    this.#flush = this.#beat = null;
    this.#traffic.stop();
  }
}
