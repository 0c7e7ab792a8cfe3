/**
 * The connections of one `HttpOrigin`: which are open, and which of them wait for more work.
 *
 * Whoever takes an idle connection has it alone until it is given back. How many there are is not limited here.
 */
import type { Clock, Timer } from '../clock.ts';
import type { Connection } from './connection.ts';

export class ConnectionPool {
  readonly #clock: Clock;
  readonly #keepAlive: number;
  readonly #open = new Set<Connection>();
  readonly #idle = new Map<Connection, Timer>();

  /** @param keepAlive milliseconds after which an idle connection is closed */
  constructor(clock: Clock, keepAlive: number) {
    this.#clock = clock;
    this.#keepAlive = keepAlive;
  }

  /** Watches over a new connection, which is not idle yet. */
  add(connection: Connection): void {
    this.#open.add(connection);
    connection.onceClosed(() => {
      this.#open.delete(connection);
      this.#wake(connection);
    });
  }

  /** The connection to `origin` (scheme, host and port) that has been idle for the shortest time, or `null`. */
  take(origin: string): Connection | null {
    const connection = [...this.#idle.keys()].findLast((idle) => idle.origin === origin && idle.usable);
    if (connection === undefined) return null;
    this.#wake(connection);
    return connection;
  }

  /** Takes a connection back, to be taken again within `keepAlive`. */
  give(connection: Connection): void {
    if (connection.usable) {
      this.#idle.set(
        connection,
        this.#clock.after(this.#keepAlive, () => connection.close()),
      );
    }
  }

  close(): void {
    for (const connection of this.#open) connection.close();
  }

  #wake(connection: Connection): void {
    this.#idle.get(connection)?.cancel();
    this.#idle.delete(connection);
  }
}
