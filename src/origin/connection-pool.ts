/**
 * The connections of one `HttpOrigin`: those that are open, those that are idle, and those that are opened in advance.
 *
 * A request that takes an idle connection has it alone until the connection is given back. The pool sets no limit.
 */
import type { Clock, Timer } from '../clock.ts';
import { keepNewest } from '../kit/keep-newest.ts';
import { untilAborted } from '../until-aborted.ts';
import { AwaitedAnswers } from './awaited-answers.ts';
import { Concurrency } from './concurrency.ts';
import type { OriginConnection } from './origin-connection.ts';

/** For so long after the last request an idle connection that ends is replaced, in milliseconds. */
const warmMs = 10 * 60_000;

/** To so many servers. */
const mostWarm = 64;

/** Opens a connection in advance. */
type OpenInAdvance = (signal: AbortSignal) => Promise<OriginConnection>;

interface Warm {
  readonly until: number;
  readonly open: OpenInAdvance;
  isWanted(): boolean;
}

export class ConnectionPool {
  readonly #clock: Clock;
  readonly #keepAlive: number;
  readonly #open = new Set<OriginConnection>();
  readonly #idle = new Map<OriginConnection, Timer>();
  /** Origins (scheme, host and port) that keep connections open after an answer. */
  readonly #keeping = new Set<string>();
  /** Those that are being opened, and for which a request waits already. */
  readonly #promised = new WeakSet<Promise<void>>();
  /** By origin: the connections that are being opened for the next requests. */
  readonly #coming = new Map<string, Map<Promise<void>, AbortController>>();

  /** By origin: how an idle connection is replaced that ends. */
  readonly #warm = new Map<string, Warm>();
  readonly #onBusy: (change: 1 | -1) => void;
  /** The requests that wait: where one is late, no connection to its server is idle. */
  readonly awaited: AwaitedAnswers;

  /**
   * @param keepAlive milliseconds after which an idle connection is closed
   * @param onBusy told when one more connection is at work, or one less
   */
  constructor(
    clock: Clock,
    keepAlive: number,
    onBusy: (change: 1 | -1) => void = () => {},
    concurrency = new Concurrency(clock),
  ) {
    this.#clock = clock;
    this.#keepAlive = keepAlive;
    this.#onBusy = onBusy;
    this.awaited = new AwaitedAnswers(clock, this, concurrency);
  }

  get open(): Iterable<OriginConnection> {
    return this.#open;
  }

  /** Takes note of a new connection, which is at work. */
  add(connection: OriginConnection): void {
    this.#open.add(connection);
    this.awaited.opened(connection);
    this.#onBusy(1);
    connection.onceClosed(() => {
      const wasIdle = this.#idle.has(connection);
      this.#open.delete(connection);
      this.awaited.closed(connection, wasIdle || !connection.isDone);
      this.#wake(connection);
      this.#onBusy(-1);
      if (wasIdle) this.#replace(connection.origin);
    });
  }

  /**
   * An idle connection to `origin` (scheme, host and port), or `null`: that which was used last, else of those that never
   * had a request the first that was opened, for which a server waits that takes one after the other.
   */
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
    const all = this.#coming.get(origin);
    const [coming] = [...(all?.keys() ?? [])].filter((each) => !this.#promised.has(each));
    if (coming === undefined) return null;
    this.#promised.add(coming);
    await untilAborted(coming, signal);
    return this.take(origin);
  }

  /** `origin` has kept a connection open after an answer. */
  keeps(origin: string): void {
    this.#keeping.add(origin);
  }

  /**
   * Opens connections to `origin` in advance, until so many are idle. One alone is opened only where the origin keeps
   * connections open: a server that does not keep them could hardly use it, and one that serves a single connection at a
   * time would be blocked by it.
   */
  prepare(origin: string, spares: number, open: OpenInAdvance): void {
    if ((spares === 1 && !this.#keeping.has(origin)) || this.awaited.isLate(origin)) return;
    const coming = this.#coming.get(origin) ?? new Map();
    this.#coming.set(origin, coming);
    let missing = spares;
    for (const each of this.#idle.keys()) if (each.origin === origin && each.usable) missing -= 1;
    for (const each of coming.keys()) if (!this.#promised.has(each)) missing -= 1;
    for (; missing > 0; missing -= 1) this.#openInAdvance(coming, open);
  }

  /** A request to `origin` has been made: from now on one connection is kept idle, for as long as `isWanted` says so. */
  keepWarm(origin: string, isWanted: () => boolean, open: OpenInAdvance): void {
    this.#warm.delete(origin);
    this.#warm.set(origin, { until: this.#clock.now() + warmMs, open, isWanted });
    keepNewest(this.#warm, mostWarm);
  }

  /** An idle connection has ended: servers close them after a while, and so does this pool. */
  #replace(origin: string): void {
    const warm = this.#warm.get(origin);
    if (warm === undefined || this.#idleTo(origin) !== undefined) return;
    if (warm.until > this.#clock.now() && warm.isWanted()) this.prepare(origin, 1, warm.open);
    else this.#warm.delete(origin);
  }

  #openInAdvance(coming: Map<Promise<void>, AbortController>, open: OpenInAdvance): void {
    const abort = new AbortController();
    const opened = open(abort.signal)
      .then(
        (connection) => this.give(connection),
        // The next request connects by itself, and gets the error.
        () => {},
      )
      .finally(() => coming.delete(opened));
    coming.set(opened, abort);
  }

  /** Takes a connection back, to be taken again within `keepAlive`, and before the server closes it. */
  give(connection: OriginConnection): void {
    if (!connection.usable) return;
    if (this.awaited.isLate(connection.origin)) {
      connection.close();
      return;
    }
    const limit = Math.min(this.#keepAlive, connection.keptFor);
    this.#idle.set(
      connection,
      this.#clock.after(limit, () => connection.close()),
    );
    this.#onBusy(-1);
  }

  /**
   * Closes the idle connections to `origin`, since its server may be waiting for requests on one of them; and gives up those
   * that are being opened in advance, since they may be waiting for room.
   */
  closeIdle(origin: string): void {
    for (const connection of this.#idle.keys()) if (connection.origin === origin) connection.close();
    for (const abort of this.#coming.get(origin)?.values() ?? [])
      abort.abort(new Error('the connection was not needed'));
  }

  close(): void {
    this.awaited.close();
    this.#warm.clear();
    for (const connection of this.#open) connection.close();
  }

  #idleTo(origin: string): OriginConnection | undefined {
    let first: OriginConnection | undefined;
    let lastUsed: OriginConnection | undefined;
    for (const each of this.#idle.keys()) {
      if (each.origin !== origin || !each.usable) continue;
      first ??= each;
      if (each.used) lastUsed = each;
    }
    return lastUsed ?? first;
  }

  #wake(connection: OriginConnection): void {
    const timer = this.#idle.get(connection);
    if (timer === undefined) return;
    timer.cancel();
    this.#idle.delete(connection);
    this.#onBusy(1);
  }
}
