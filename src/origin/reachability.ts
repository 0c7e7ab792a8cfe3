/**
 * Whether an origin can be connected to, and who is told when it can't.
 *
 *     closed ── no connection came about for a whole wait ──▶ open ◀──▶ half-open ── one came about ──▶ closed
 *                                                              (somebody waits for attempts)
 *
 * Only connections count. Whatever happens after one came about (a reset, silence, an answer that is none) is the
 * matter of the target that was asked for, and says nothing about others; so does a failed TLS handshake. Bytes of a
 * connection that is kept are a sign of life too. Nobody is turned away here: it is for each who waits to say how long.
 */
import { fixedBudgets } from '../budgets.ts';
import { type Clock, sleep, type Timer } from '../clock.ts';
import { ProxyError, type ProxyErrorType } from '../errors.ts';
import type { BreakerPhase, EventBus } from '../events.ts';
import type { ReachabilityView } from './origin.ts';

/** How long those wait for a connection who are told early. */
const soonMs = fixedBudgets.outOfReach.ms;

/** Who waits asks again and again: for so long after, in milliseconds, it counts as waiting still. */
const lull = 3000;

/** Every time is monotonic milliseconds. */
export type ReachabilityState =
  | { readonly phase: 'closed' }
  | {
      readonly phase: 'open' | 'half-open';
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
  /** For what happens although nobody asks. */
  readonly clock: Clock;
  readonly events: EventBus;
  /** How long somebody waits for a first byte of it (`firstByteTimeout`), in milliseconds. */
  readonly wait: number;
}

/** Since its last sign of life no connection came about. */
interface Failing {
  readonly since: number;
  /** When the latest attempt that failed was begun. */
  triedAt: number;
  nextAt: number;
  error: ProxyError;
  /** When it was found to be out of reach; `null` where that is not said yet. */
  outSince: number | null;
  readonly timer: Timer;
}

export class Reachability implements ReachabilityView {
  readonly #parts: ReachabilityParts;
  readonly #sleepers = new Set<() => void>();
  #failing: Failing | null = null;
  #aliveAt = Number.NEGATIVE_INFINITY;
  #awaited = 0;
  /** Until nobody has waited for an attempt for a while. */
  #lull: Timer | null = null;
  #phase: BreakerPhase = 'closed';

  constructor(parts: ReachabilityParts) {
    this.#parts = parts;
  }

  /** For what happens although nobody asks. */
  get clock(): Clock {
    return this.#parts.clock;
  }

  get state(): ReachabilityState {
    if (this.#failing === null || this.#phase === 'closed') return { phase: 'closed' };
    const { since, nextAt: nextProbeAt, error } = this.#failing;
    return { phase: this.#phase, since, nextProbeAt, cause: error.type };
  }

  /** Whether anybody sleeps until it is connected to. */
  get waitedFor(): boolean {
    return this.#sleepers.size > 0;
  }

  /** Somebody waits for an attempt to connect; to be called once when that is over, whatever came of it. */
  begin(): () => void {
    this.#awaited += 1;
    this.#lull?.cancel();
    this.#settle();
    return () => {
      this.#awaited -= 1;
      if (this.#awaited > 0 || this.#phase !== 'half-open') return;
      this.#lull?.cancel();
      this.#lull = this.#parts.clock.after(lull, () => this.#settle());
    };
  }

  /** After it could not be connected to it can: whoever sleeps until then wakes up. */
  wake(): void {
    for (const wake of [...this.#sleepers]) wake();
  }

  /** A connection came about, or the origin has said something. */
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

  /** Sets no timer any more. */
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

  /** Brings the phase in line, and tells everybody of a change. */
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
