/**
 * Clients that take nothing: films that are paused, each of which holds the memory that it was given last.
 *
 * They may stay as long as they like, until others need that memory: then the one goes that has been idle the longest,
 * and its player comes back with a new request when it plays on.
 */
import type { Writable } from 'node:stream';
import type { Clock } from '../clock.ts';

/** A client that was idle for less is only slow, in milliseconds. */
const idleFrom = 10_000;

export class StalledClients {
  readonly #clock: Clock;
  /** Since when each is idle, in monotonic milliseconds; the longest idle comes first. */
  readonly #since = new Map<Writable, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(client: Writable): void {
    this.#since.set(client, this.#clock.now());
  }

  remove(client: Writable): void {
    this.#since.delete(client);
  }

  /** Ends the one that has been idle the longest, where one has been idle for long. */
  endOne(): void {
    const [longest] = this.#since;
    if (longest === undefined || this.#clock.now() - longest[1] < idleFrom) return;
    this.#since.delete(longest[0]);
    longest[0].destroy();
  }
}
