/** The event stream on a server in memory, and clients that listen to it on virtual time. */
import { createServer, type ServerResponse } from 'node:http';
import { EventStream } from '../../src/control/event-stream.ts';
import { EventBus } from '../../src/events.ts';
import { duplexPair, type PairedSocket } from '../support/duplex-pair.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

export interface Heard {
  readonly id: number;
  readonly type: string;
  readonly fields: Record<string, unknown>;
}

/** One client; what it gets is close-delimited, so that its text is the stream. */
export class Listener {
  readonly #socket: PairedSocket;
  #text = '';
  closed = false;

  constructor(socket: PairedSocket, request: string) {
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.#text += bytes.toString();
    });
    socket.on('close', () => {
      this.closed = true;
    });
    socket.on('error', () => {});
    socket.write(request);
  }

  /** The head of the reply, with its status. */
  get head(): string {
    return this.#text.split('\r\n\r\n', 1)[0] ?? '';
  }

  /** Everything after the head. */
  get body(): string {
    return this.#text.slice(this.head.length + 4);
  }

  get heard(): Heard[] {
    return this.body.split('\n\n').flatMap((block) => {
      const [, id, type, json] = /^id: (\d+)\nevent: (\S+)\ndata: (.*)$/.exec(block) ?? [];
      return id === undefined || type === undefined ? [] : [{ id: Number(id), type, fields: JSON.parse(json ?? '') }];
    });
  }

  /** Reads no more: the network fills up. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  leave(): void {
    this.#socket.destroy();
  }
}

export interface Streaming {
  readonly clock: VirtualClock;
  readonly events: EventBus;
  readonly stream: EventStream;
  /** Of each client that was let in, in their order. */
  readonly responses: readonly ServerResponse[];
  listen(query?: string, method?: string): Promise<Listener>;
}

export function streaming(wallStart = Date.UTC(2026, 0, 1)): Streaming {
  const clock = new VirtualClock(wallStart);
  const events = new EventBus();
  const stream = new EventStream(events, clock);
  const responses: ServerResponse[] = [];
  const server = createServer((request, response) => {
    const query = Object.fromEntries(new URL(request.url ?? '', 'http://localhost').searchParams);
    const refusal = stream.open(query, response, { 'cache-control': 'no-store' });
    if (refusal === null) responses.push(response);
    else response.writeHead(refusal.status).end(refusal.detail);
  });
  return {
    clock,
    events,
    stream,
    responses,
    async listen(query = '', method = 'GET') {
      const [near, far] = duplexPair();
      server.emit('connection', far);
      const listener = new Listener(near, `${method} /-/events${query} HTTP/1.0\r\n\r\n`);
      await clock.settle();
      return listener;
    },
  };
}
