/**
 * Clients that take nothing: films that are paused, each of which keeps the memory that it was given last.
 *
 * They may stay as long as they like, until there are more than that memory is meant for: then the one goes that has been
 * idle the longest, and its player comes back with a new request when it plays on.
 */
import type { Writable } from 'node:stream';

export class StalledClients {
  readonly #most: number;
  readonly #onEnded: () => void;
  /** The longest idle comes first. */
  readonly #clients = new Set<Writable>();

  /** @param onEnded called when one had to go */
  constructor(most: number, onEnded: () => void = () => {}) {
    this.#most = most;
    this.#onEnded = onEnded;
  }

  get count(): number {
    return this.#clients.size;
  }

  add(client: Writable): void {
    this.#clients.add(client);
    const [longest] = this.#clients;
    if (this.#clients.size <= this.#most || longest === undefined) return;
    this.#clients.delete(longest);
    longest.destroy();
    this.#onEnded();
  }

  remove(client: Writable): void {
    this.#clients.delete(client);
  }
}
