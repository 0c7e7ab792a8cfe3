/**
 * Whether an origin is thought to be reachable: a circuit breaker that knows how long people wait.
 *
 *     closed ── 3 failures in a row, over a whole wait ──▶ open ── cool-down ──▶ half-open ──▶ closed
 *                                                            ▲    (the next request)  │  (it was reached)
 *                                                            └── not within a wait ───┘
 *
 * Reached means any sign of life: the head of an answer, whatever its status, or a byte of a body. A server that is
 * waking up is not given up before the first who waits for it is; after that, newcomers are turned away at once, but
 * nobody who has waited before.
 */
import type { Clock } from '../clock.ts';
import { ProxyError, type ProxyErrorType } from '../errors.ts';
import type { BreakerPhase, EventBus } from '../events.ts';

/** Fewer failures in a row prove nothing. */
const leastFailures = 3;

/** The last retry of a wait comes a little before its end. */
const mostOfAWait = 0.9;

/** The first cool-down, in waits; it doubles with every trial in vain. */
const firstCoolDown = 1 / 3;
const longestCoolDown = 2;

/** Every time is monotonic milliseconds. */
export type BreakerState =
  | { readonly phase: 'closed' }
  | {
      readonly phase: 'open';
      /** When the first of the requests was sent that all failed. */
      readonly since: number;
      /** The next request from then on is let through, to try the origin. */
      readonly nextProbeAt: number;
      readonly cause: ProxyErrorType;
    }
  | {
      readonly phase: 'half-open';
      readonly since: number;
      readonly triedSince: number;
      readonly cause: ProxyErrorType;
    };

export interface BreakerParts {
  /** The origin's name. */
  readonly name: string;
  readonly clock: Clock;
  readonly events: EventBus;
  /** How long somebody waits for a first byte of it (`firstByteTimeout`), in milliseconds. */
  readonly wait: number;
}

export class Breaker {
  readonly #parts: BreakerParts;
  #state: BreakerState = { phase: 'closed' };
  #failures = 0;
  #failingSince = 0;
  #reachedAt = Number.NEGATIVE_INFINITY;
  #coolDown = firstCoolDown;

  constructor(parts: BreakerParts) {
    this.#parts = parts;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** The shortest wait that would have been enough for the origin to answer. */
  get enough(): number {
    return mostOfAWait * this.#parts.wait;
  }

  /**
   * Lets a request through or throws a final `ProxyError`. The first after the cool-down tries the origin out; who is
   * `committed` is always let through.
   */
  admit(committed: boolean): void {
    const state = this.#state;
    if (state.phase !== 'open') return;
    const now = this.#parts.clock.now();
    if (now >= state.nextProbeAt) this.#become({ ...state, phase: 'half-open', triedSince: now });
    else if (!committed) throw this.#turnedAway(state, now);
  }

  /** The origin has given a sign of life. */
  reached(): void {
    this.#reachedAt = this.#parts.clock.now();
    this.#failures = 0;
    if (this.#state.phase === 'closed') return;
    this.#coolDown = firstCoolDown;
    this.#become({ phase: 'closed' });
  }

  /** A request that was sent at `startedAt` did not reach the origin. */
  failed(cause: ProxyErrorType, startedAt: number): void {
    const now = this.#parts.clock.now();
    if (this.#failures === 0) this.#failingSince = Math.max(startedAt, this.#reachedAt);
    this.#failures += 1;
    const state = this.#state;
    const since = state.phase === 'closed' ? this.#failingSince : state.since;
    if (state.phase === 'open') {
      this.#state = { ...state, cause };
    } else if (now - (state.phase === 'half-open' ? state.triedSince : since) < this.enough) {
      if (state.phase === 'half-open') this.#state = { ...state, cause };
    } else if (state.phase === 'half-open' || this.#failures >= leastFailures) {
      this.#become({ phase: 'open', since, nextProbeAt: now + this.#coolDown * this.#parts.wait, cause });
      this.#coolDown = Math.min(2 * this.#coolDown, longestCoolDown);
    }
  }

  #become(state: BreakerState): void {
    const from: BreakerPhase = this.#state.phase;
    this.#state = state;
    const { name, clock, events } = this.#parts;
    const cause = state.phase === 'closed' ? null : state.cause;
    events.emit({ type: 'breaker', at: clock.now(), origin: name, from, to: state.phase, cause });
  }

  #turnedAway({ since, nextProbeAt, cause }: Extract<BreakerState, { phase: 'open' }>, now: number): ProxyError {
    const next = Math.ceil((nextProbeAt - now) / 1000);
    const message =
      `The origin ${this.#parts.name} has been out of reach for ${Math.round((now - since) / 1000)} s ` +
      `(${cause.replaceAll('_', ' ')}) and is tried again in ${next} s at the earliest.`;
    return new ProxyError('destination_unavailable', message, { retryAfter: next, final: true });
  }
}
