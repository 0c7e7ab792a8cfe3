/**
 * Whether an origin can be connected to: a circuit breaker that counts connections alone.
 *
 *     closed ── no connection came about for a whole wait ──▶ open ◀──▶ half-open ── one came about ──▶ closed
 *                                                              (somebody waits for attempts)
 *
 * Whatever happens after a connection came about (a reset, silence, an answer that is no HTTP, a failed TLS handshake)
 * belongs to the requested target, and says nothing about other targets. Bytes on a kept connection are a sign of life,
 * too. The breaker turns no request away: each decides how long it waits (`toldBy`).
 */
import { fixedBudgets } from '../budgets.ts';
import { type Clock, sleep, type Timer } from '../clock.ts';
import { ProxyError, type ProxyErrorType } from '../errors.ts';
import type { BreakerPhase, EventBus } from '../events.ts';
import type { ReachabilityView } from './origin.ts';

/** How long a request waits for a connection while the origin is out of reach. */
const soonMs = fixedBudgets.outOfReach.ms;

/** A request that waits asks again and again: it counts as waiting for this long after each attempt. */
const lullMs = 3000;

/** Every time is monotonic milliseconds. */
export type ReachabilityState =
  | {
      readonly phase: 'closed';
      /** Whether the last attempt to connect succeeded; `none`: nobody has made one. */
      readonly contact: 'none' | 'reached';
    }
  | {
      readonly phase: BreakerPhase;
      readonly contact: 'failing';
      /** When the first of the attempts began that all failed. */
      readonly since: number;
      /** When the next attempt is made where nobody asks before. */
      readonly nextProbeAt: number;
      readonly cause: ProxyErrorType;
    };

/** An attempt to connect that did not come about. */
export interface FailedAttempt {
  readonly error: ProxyError;
  readonly startedAt: number;
  /** When the next one is made where nobody asks before. */
  readonly nextAt: number;
}

export interface ReachabilityParts {
  /** The origin's name. */
  readonly name: string;
  /** For timers that belong to no request. */
  readonly clock: Clock;
  readonly events: EventBus;
  /** How long somebody waits for a first byte of it (`firstByteTimeout`), in milliseconds. */
  readonly wait: number;
}

/** Attempts that failed since the last sign of life. */
interface Failing {
  readonly since: number;
  /** When the latest attempt that failed was begun. */
  triedAt: number;
  nextAt: number;
  error: ProxyError;
  /** When the origin was found to be out of reach; `null` before. */
  outSince: number | null;
  readonly timer: Timer;
}

export class Reachability implements ReachabilityView {
  readonly #parts: ReachabilityParts;
  readonly #sleepers = new Set<() => void>();
  #failing: Failing | null = null;
  #aliveAt = Number.NEGATIVE_INFINITY;
  #awaited = 0;
  /** Runs while no request waits, until the breaker leaves half-open. */
  #lull: Timer | null = null;
  #phase: BreakerPhase = 'closed';

  constructor(parts: ReachabilityParts) {
    this.#parts = parts;
  }

  /** For timers that belong to no request. */
  get clock(): Clock {
    return this.#parts.clock;
  }

  get state(): ReachabilityState {
    if (this.#failing === null) {
      return { phase: 'closed', contact: Number.isFinite(this.#aliveAt) ? 'reached' : 'none' };
    }
    const { since, nextAt: nextProbeAt, error } = this.#failing;
    return { phase: this.#phase, contact: 'failing', since, nextProbeAt, cause: error.type };
  }

  /** Whether a request sleeps until a connection comes about. */
  get waitedFor(): boolean {
    return this.#sleepers.size > 0;
  }

  /** A request waits for an attempt to connect. The function that this returns is called once when the wait is over. */
  begin(): () => void {
    this.#awaited += 1;
    this.#lull?.cancel();
    this.#settle();
    return () => {
      this.#awaited -= 1;
      if (this.#awaited > 0 || this.#phase !== 'half-open') return;
      this.#lull?.cancel();
      this.#lull = this.#parts.clock.after(lullMs, () => this.#settle());
    };
  }

  /** The origin can be connected to again: wakes the sleepers. */
  wake(): void {
    for (const wake of [...this.#sleepers]) wake();
  }

  /** A connection came about, or bytes came from the origin. */
  alive(): void {
    this.#aliveAt = this.#parts.clock.now();
    if (this.#failing === null) return;
    this.close();
    this.#failing = null;
    this.#settle();
  }

  failed({ error, startedAt, nextAt }: FailedAttempt): void {
    if (this.#failing === null) {
      const since = Math.max(startedAt, this.#aliveAt);
      this.#failing = { since, triedAt: startedAt, nextAt, error, outSince: null, timer: this.#timerFrom(since) };
    } else {
      Object.assign(this.#failing, { error, nextAt, triedAt: Math.max(this.#failing.triedAt, startedAt) });
    }
  }

  toldBy(since: number): number | null {
    const { outSince = null, triedAt = 0 } = this.#failing ?? {};
    if (outSince === null || since < outSince) return null;
    return triedAt >= since ? triedAt : since + soonMs;
  }

  get outOfReach(): ProxyError | null {
    if (this.#failing === null) return null;
    const { since, nextAt, error } = this.#failing;
    const { name, clock } = this.#parts;
    const seconds = (milliseconds: number) => Math.max(1, Math.ceil(milliseconds / 1000));
    const next = seconds(nextAt - clock.now());
    const message =
      `The origin ${name} has been out of reach for ${seconds(clock.now() - since)} s ` +
      `(last error: ${error.type.replaceAll('_', ' ')}); the next try is in ${next} s.`;
    return new ProxyError('connection_timeout', message, { retryAfter: next, final: true, cause: error });
  }

  async sleep(delay: number, signal: AbortSignal): Promise<void> {
    const connected = new AbortController();
    const wake = () => connected.abort();
    this.#sleepers.add(wake);
    try {
      await sleep(this.#parts.clock, delay, AbortSignal.any([signal, connected.signal]));
    } catch {
      signal.throwIfAborted();
    } finally {
      this.#sleepers.delete(wake);
    }
  }

  /** Cancels its timers. */
  close(): void {
    this.#failing?.timer.cancel();
    this.#lull?.cancel();
  }

  #timerFrom(since: number): Timer {
    const { clock, wait } = this.#parts;
    return clock.after(Math.max(0, since + wait - clock.now()), () => {
      if (this.#failing === null) return;
      this.#failing.outSince = clock.now();
      this.#settle();
    });
  }

  /** Sets the phase to what is known, and emits each change. */
  #settle(): void {
    const { name, clock, events } = this.#parts;
    const { outSince = null, error } = this.#failing ?? {};
    const change = (to: BreakerPhase) => {
      const from = this.#phase;
      if (from === to) return;
      this.#phase = to;
      events.emit({ type: 'breaker', at: clock.now(), origin: name, from, to, cause: error?.type ?? null });
    };
    if (outSince === null) {
      change('closed');
    } else {
      if (this.#phase === 'closed' || this.#awaited === 0) change('open');
      if (this.#awaited > 0) change('half-open');
    }
  }
}
