/**
 * One client's connection: its requests are answered one after another, in the order in which they came.
 *
 * A request that was pipelined behind another one (RFC 9112 §9.3.2) waits for its turn before anything is done for it.
 * So a connection costs one reply at a time, however many requests it sends at once.
 */
import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** A connection with more unanswered requests than this asks for nothing that anybody needs. */
const mostOwed = 100;

/** The client left before its reply was complete. */
class ClientGone extends Error {
  override readonly name = 'ClientGone';
}

export class ClientConnection {
  readonly #gone = new AbortController();
  readonly #waiting: Array<() => void> = [];
  #owed = 0;

  constructor(socket: Duplex) {
    socket.once('close', () => {
      this.#gone.abort(new ClientGone());
      for (const begin of this.#waiting.splice(0)) begin();
    });
  }

  /** Aborts when the connection is closed. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Whether a reply is to come or under way, so that nothing else may be written. */
  get owes(): boolean {
    return this.#owed > 0;
  }

  /** Whether more is asked than will be answered. */
  get overdrawn(): boolean {
    return this.#owed > mostOwed;
  }

  /** Resolves when it is the turn of this reply, or when the connection is closed. */
  turnOf(response: ServerResponse): Promise<void> {
    const first = this.#owed === 0;
    this.#owed += 1;
    response.once('close', () => {
      this.#owed -= 1;
      this.#waiting.shift()?.();
    });
    return first ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }
}
