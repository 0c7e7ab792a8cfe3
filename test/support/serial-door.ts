/**
 * The door of a server that serves one connection at a time, until that is closed: the next few are connected and wait
 * for their turn (`listen(2)`), all further ones are not even that. So serve Python's `http.server` and many a small device.
 */
import type { Clock } from '../../src/clock.ts';
import type { SocketLike } from './duplex-pair.ts';
import { pause } from './pause.ts';

/** A packet that got no answer is sent again after so many milliseconds, and then after twice as many. */
const resentAfter = 1000;

export class SerialDoor {
  readonly #clock: Clock;
  readonly #backlog: number;
  readonly #serve: (connection: SocketLike) => void;
  readonly #waiting: SocketLike[] = [];
  #served: SocketLike | null = null;

  constructor(clock: Clock, backlog: number, serve: (connection: SocketLike) => void) {
    this.#clock = clock;
    this.#backlog = backlog;
    this.#serve = serve;
  }

  /** Resolves when a connection may be made. */
  async room(signal: AbortSignal): Promise<void> {
    for (let wait = resentAfter; this.#waiting.length > this.#backlog; wait *= 2)
      await pause(this.#clock, wait, signal);
  }

  accept(connection: SocketLike): void {
    this.#waiting.push(connection);
    connection.on('error', () => {});
    this.#next();
  }

  #next(): void {
    if (this.#served !== null) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    const over = () => {
      this.#served = null;
      this.#next();
    };
    this.#served = next;
    next.once('close', over);
    if (next.destroyed) over();
    else this.#serve(next);
  }
}
