/**
 * One client: its connections, its requests under way, and the bytes fetched for it, each within a limit.
 *
 * At a limit nothing is refused while something can be given up instead: an idle connection, or the reply that has been
 * stalled the longest. A request beyond the limit waits until another ends or has been stalled for long enough.
 */
import { fixedBudgets } from '../budgets.ts';
import { ReadAheadAllowance } from '../cache/read-session.ts';
import { type Clock, type Timer, within } from '../clock.ts';
import type { ClientBound, ClientBoundAction } from '../events.ts';
import { WaitQueue } from '../kit/wait-queue.ts';
import type { ClientConnection } from './client-connection.ts';

export interface ClientLimits {
  readonly connections: number;
  readonly requests: number;
  /** Bytes that are fetched for it and that it has not read. */
  readonly unread: number;
}

/** A client that took something more recently than this is slow, and not paused. */
export const stalledAfterMs = fixedBudgets.stalledClient.ms;

/** One request under way. */
export interface RequestPermit {
  /** Its client's. */
  readonly allowance: ReadAheadAllowance;
  /** To be called when the reply has ended in whatever way; harmless when repeated. */
  release(): void;
}

export interface ClientParts {
  /** Tells it from all other clients. */
  readonly key: string;
  /** As the log shows it. */
  readonly name: string;
  readonly limits: ClientLimits;
  /** How long a request may wait for a permit, in milliseconds. */
  readonly queueTimeout: number;
  readonly clock: Clock;
  /** Called when it reached a limit, with what was done about it. */
  onBound(bound: ClientBound, action: ClientBoundAction): void;
  /** A request has ended. */
  onLeft(): void;
}

export class Client {
  readonly #parts: ClientParts;
  readonly #connections = new Set<ClientConnection>();
  /** Connections without a request, the longest idle first. */
  readonly #idle = new Set<ClientConnection>();
  readonly #permits = new Map<RequestPermit, ClientConnection>();
  readonly #queue = new WaitQueue<RequestPermit, ClientConnection>();
  #nextLook: Timer | null = null;
  /** How much may be fetched ahead of its readers. */
  readonly allowance: ReadAheadAllowance;

  constructor(parts: ClientParts) {
    this.#parts = parts;
    this.allowance = new ReadAheadAllowance(parts.limits.unread, () => parts.onBound('unread', 'held-back'));
  }

  get key(): string {
    return this.#parts.key;
  }

  get name(): string {
    return this.#parts.name;
  }

  get connections(): ReadonlySet<ClientConnection> {
    return this.#connections;
  }

  /** How many of its connections have no request. */
  get idle(): number {
    return this.#idle.size;
  }

  /** How many of its requests are under way. */
  get requests(): number {
    return this.#permits.size;
  }

  /** How many of its requests wait for a permit. */
  get queued(): number {
    return this.#queue.size;
  }

  get isGone(): boolean {
    return this.#connections.size === 0 && this.#permits.size === 0 && this.#queue.size === 0;
  }

  /** Whether one more connection would be too many. */
  get isFull(): boolean {
    return this.#connections.size >= this.#parts.limits.connections;
  }

  add(connection: ClientConnection): void {
    this.#connections.add(connection);
    this.#idle.add(connection);
    connection.onTurn = () => {
      this.#idle.delete(connection);
      if (!connection.owes && this.#connections.has(connection)) this.#idle.add(connection);
    };
  }

  /** The connection is closed, or about to be. Harmless when repeated. */
  remove(connection: ClientConnection): void {
    this.#connections.delete(connection);
    this.#idle.delete(connection);
  }

  /**
   * The connection without a request that has been idle the longest; none that came less than `grace` milliseconds ago
   * and has not asked for anything yet: its first request may be on its way.
   */
  longestIdle(grace: number): ClientConnection | null {
    const latest = this.#parts.clock.now() - grace;
    for (const connection of this.#idle) if (connection.hasAsked || connection.activeAt <= latest) return connection;
    return null;
  }

  /** The connection whose client has taken nothing for the longest, and for `least` milliseconds at least. */
  longestStalled(least: number): ClientConnection | null {
    return this.#longestStalled(this.#connections, least);
  }

  /** The connection with a request on which nothing has happened for the longest. */
  get leastActive(): ClientConnection | null {
    return longest(this.#connections, ({ owes, activeAt }) => (owes ? activeAt : null));
  }

  /** Lets a request on this connection begin; `null` where it has to wait. */
  enterNow(connection: ClientConnection): RequestPermit | null {
    return this.#queue.size === 0 && this.#hasRoom() ? this.#take(connection) : null;
  }

  /**
   * Resolves when a request on this connection may begin, or with `null` where it has waited for too long. Rejects with
   * the signal's reason.
   */
  async enter(connection: ClientConnection, signal: AbortSignal): Promise<RequestPermit | null> {
    signal.throwIfAborted();
    const now = this.enterNow(connection);
    if (now !== null) return now;
    const { queueTimeout, clock, onBound } = this.#parts;
    onBound('requests', 'queued');
    const tooLate = new Error('queued for too long');
    try {
      return await within({ clock, limit: queueTimeout, late: () => tooLate, signal }, (inTime) => {
        const permit = this.#queue.wait(connection, inTime);
        this.#lookLater();
        return permit;
      });
    } catch (error) {
      if (error !== tooLate) throw error;
      onBound('requests', 'refused');
      return null;
    } finally {
      if (this.#queue.size === 0) this.#stopLooking();
    }
  }

  #take(connection: ClientConnection): RequestPermit {
    const permit: RequestPermit = {
      allowance: this.allowance,
      release: () => {
        if (!this.#permits.delete(permit)) return;
        this.#advance();
        this.#parts.onLeft();
      },
    };
    this.#permits.set(permit, connection);
    return permit;
  }

  /** Whether one more request may begin, which ends a stalled one where it must. */
  #hasRoom(): boolean {
    if (this.#permits.size < this.#parts.limits.requests) return true;
    const stalled = this.#longestStalled(this.#permits.values(), stalledAfterMs);
    if (stalled === null) return false;
    for (const [permit, connection] of this.#permits) if (connection === stalled) this.#permits.delete(permit);
    stalled.close();
    this.#parts.onBound('requests', 'closed-stalled');
    return true;
  }

  /** Lets those begin who wait, in the order in which they came. */
  #advance(): void {
    this.#queue.serve((connection) => (this.#hasRoom() ? this.#take(connection) : null));
    this.#lookLater();
  }

  /** While somebody waits, looks again when the next reply can have been stalled for long. */
  #lookLater(): void {
    this.#stopLooking();
    if (this.#queue.size === 0) return;
    const { clock } = this.#parts;
    const now = clock.now();
    let since = now;
    for (const { stalledSince } of this.#permits.values()) since = Math.min(since, stalledSince ?? now);
    this.#nextLook = clock.after(Math.max(1, since + stalledAfterMs - now), () => this.#advance());
  }

  #stopLooking(): void {
    this.#nextLook?.cancel();
    this.#nextLook = null;
  }

  #longestStalled(connections: Iterable<ClientConnection>, least: number): ClientConnection | null {
    const latest = this.#parts.clock.now() - least;
    return longest(connections, ({ stalledSince }) =>
      stalledSince !== null && stalledSince <= latest ? stalledSince : null,
    );
  }
}

/** The connection with the smallest time, of those that have one. */
function longest(
  connections: Iterable<ClientConnection>,
  since: (connection: ClientConnection) => number | null,
): ClientConnection | null {
  let found: ClientConnection | null = null;
  let earliest = Number.POSITIVE_INFINITY;
  for (const connection of connections) {
    const at = since(connection);
    if (at === null || at >= earliest) continue;
    earliest = at;
    found = connection;
  }
  return found;
}
