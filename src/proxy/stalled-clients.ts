/**
 * Stalled clients: paused players, each of which keeps the memory that it was sent last.
 *
 * They may stay as long as they like, until their number exceeds the memory that is meant for them. Then the one that has
 * been stalled the longest is disconnected, and its player comes back with a new request when it plays on.
 */
import type { Writable } from 'node:stream';

export class StalledClients {
  readonly #most: number;
  readonly #end: (client: Writable) => void;
  /** The longest idle comes first. */
  readonly #clients = new Set<Writable>();

  /** `end` disconnects a client in such a way that it does not take its reply for complete. */
  constructor(most: number, end: (client: Writable) => void = (client) => client.destroy()) {
    this.#most = most;
    this.#end = end;
  }

  get count(): number {
    return this.#clients.size;
  }

  add(client: Writable): void {
    this.#clients.add(client);
    const [longest] = this.#clients;
    if (this.#clients.size <= this.#most || longest === undefined) return;
    this.#clients.delete(longest);
    this.#end(longest);
  }

  remove(client: Writable): void {
    this.#clients.delete(client);
  }
}
