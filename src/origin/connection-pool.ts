/**
 * The connections of one `HttpOrigin`: those that are open, those that are idle, and those that are opened in advance.
 *
 * A request that takes an idle connection has it alone until the connection is given back. The pool sets no limit.
 */
import type { Clock, Timer } from '../clock.ts';
import { untilAborted } from '../until-aborted.ts';
import type { OriginConnection } from './origin-connection.ts';

export class ConnectionPool {
  readonly #clock: Clock;
  readonly #keepAlive: number;
  readonly #open = new Set<OriginConnection>();
  readonly #idle = new Map<OriginConnection, Timer>();
  /** Origins (scheme, host and port) that keep connections open after an answer. */
  readonly #keeping = new Set<string>();
  /** By origin: the connection that is being opened for the next request. */
  readonly #coming = new Map<string, Promise<void>>();

  readonly #onBusy: (change: 1 | -1) => void;

  /**
   * @param keepAlive milliseconds after which an idle connection is closed
   * @param onBusy told when one more connection is at work, or one less
   */
  constructor(clock: Clock, keepAlive: number, onBusy: (change: 1 | -1) => void = () => {}) {
    this.#clock = clock;
    this.#keepAlive = keepAlive;
    this.#onBusy = onBusy;
  }

  /** Takes note of a new connection, which is at work. */
  add(connection: OriginConnection): void {
    this.#open.add(connection);
    this.#onBusy(1);
    connection.onceClosed(() => {
      this.#open.delete(connection);
      this.#wake(connection);
      this.#onBusy(-1);
    });
  }

  /** The connection to `origin` (scheme, host and port) that has been idle for the shortest time, or `null`. */
  take(origin: string): OriginConnection | null {
    const connection = this.#idleTo(origin);
    if (connection === undefined) return null;
    this.#wake(connection);
    return connection;
  }

  /**
   * The connection that is being opened in advance, from now on for this request alone: if two waited for it, the second
   * would be later than with a new one. `null` where there is none.
   */
  async takeComing(origin: string, signal: AbortSignal): Promise<OriginConnection | null> {
    const coming = this.#coming.get(origin);
    if (coming === undefined) return null;
    this.#coming.delete(origin);
    await untilAborted(coming, signal);
    return this.take(origin);
  }

  /** `origin` has kept a connection open after an answer. */
  keeps(origin: string): void {
    this.#keeping.add(origin);
  }

  /**
   * Opens a connection to `origin` in advance, where none is idle and the origin keeps connections open. A server that
   * does not keep them could not use it, and one that serves a single connection at a time would be blocked by it.
   */
  prepare(origin: string, open: () => Promise<OriginConnection>): void {
    if (!this.#keeping.has(origin) || this.#coming.has(origin) || this.#idleTo(origin) !== undefined) return;
    const coming = open()
      .then(
        (connection) => this.give(connection),
        // The next request connects by itself, and gets the error.
        () => {},
      )
      .finally(() => {
        if (this.#coming.get(origin) === coming) this.#coming.delete(origin);
      });
    this.#coming.set(origin, coming);
  }

  /** Takes a connection back, to be taken again within `keepAlive`. */
  give(connection: OriginConnection): void {
    if (!connection.usable) return;
    this.#idle.set(
      connection,
      this.#clock.after(this.#keepAlive, () => connection.close()),
    );
    this.#onBusy(-1);
  }

  close(): void {
    for (const connection of this.#open) connection.close();
  }

  #idleTo(origin: string): OriginConnection | undefined {
    return [...this.#idle.keys()].findLast((idle) => idle.origin === origin && idle.usable);
  }

  #wake(connection: OriginConnection): void {
    const timer = this.#idle.get(connection);
    if (timer === undefined) return;
    timer.cancel();
    this.#idle.delete(connection);
    this.#onBusy(1);
  }
}
