/**
 * The connections of one `HttpOrigin`: which are open, which of them wait for more work, and which are opened in advance.
 *
 * Whoever takes an idle connection has it alone until it is given back. How many there are is not limited here.
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
  /** By origin, what is being opened for whoever asks next. */
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

  /** Watches over a new connection, which is not idle yet. */
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
   * The connection that is being opened in advance, from now on for this one alone: two who wait for one would be later
   * than with a new one each. `null` where there is none.
   */
  async takeComing(origin: string, signal: AbortSignal): Promise<OriginConnection | null> {
    const coming = this.#coming.get(origin);
    if (coming === undefined) return null;
    this.#coming.delete(origin);
    await untilAborted(coming, signal);
    return this.take(origin);
  }

  /** It has shown that `origin` keeps connections open after an answer. */
  keeps(origin: string): void {
    this.#keeping.add(origin);
  }

  /**
   * Sees to it that one connection to `origin` is idle, where that has shown that it keeps them: to one that does not, it
   * could be of no use, and might keep a server busy that serves one after another.
   */
  prepare(origin: string, open: () => Promise<OriginConnection>): void {
    if (!this.#keeping.has(origin) || this.#coming.has(origin) || this.#idleTo(origin) !== undefined) return;
    const coming = open()
      .then(
        (connection) => this.give(connection),
        // Whoever needs one opens it, and is told why that can't be done.
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
