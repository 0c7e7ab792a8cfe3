/**
 * How long there is hope for a byte, and which setting ends it.
 *
 * | a reader waits while its fetch …               | setting            | counted from                              |
 * |------------------------------------------------|--------------------|-------------------------------------------|
 * | queues for a connection                        | `queueTimeout`     | what it has queued for this reader in all |
 * | asks, and nothing of this reply went out       | `firstByteTimeout` | the reader's arrival, whoever asked first |
 * | has brought a byte, or the reply is under way  | `healTimeout`      | the last byte, however slowly they come   |
 * | belongs to an origin that is out of reach      | `reachability`     | the wait, where a part of the title is there |
 *
 * Time in the queue counts towards `queueTimeout` alone. So a first byte comes, or a clear answer, after `queueTimeout`
 * and `firstByteTimeout` together at the most. One connection may be silent for `stallTimeout` (`watchdog.ts`) before
 * another is tried; the reader's budget goes on meanwhile.
 */
import type { Clock } from '../clock.ts';
import type { ProxyError } from '../errors.ts';
import type { ReachabilityView } from '../origin/origin.ts';
import type { FillPolicy } from './policy.ts';
import type { Presence } from './presence.ts';

/** What a fetch has done with its time; every `At` is monotonic milliseconds. */
export interface FetchTimes {
  readonly openedAt: number;
  /** Whether it waits for one of the origin's connections. */
  readonly queued: boolean;
  /** Milliseconds that it has spent in the queue so far. */
  readonly queuedFor: number;
  /** When the last byte came, or `null` before the first. */
  readonly progressAt: number | null;
}

/** The fetch that shall bring the byte that a reader waits for. */
export interface Assignment<F extends { readonly status: FetchTimes } = { readonly status: FetchTimes }> {
  readonly fetch: F;
  /** Since when, in monotonic milliseconds: the reader's own budget counts from here. */
  readonly since: number;
  /** What the fetch had spent in the queue by then, in milliseconds. */
  readonly queuedBefore: number;
}

/** A reader, as far as its deadline depends on it. */
export interface Waiting {
  /** Since when it waits, in monotonic milliseconds; `null` while it does not. */
  readonly waitingSince: number | null;
  /** Whether bytes of the same reply went out before. */
  readonly begun: boolean;
  readonly assignment: Assignment | null;
}

/** Which setting ends a wait. */
export type Budget = 'queueTimeout' | 'firstByteTimeout' | 'healTimeout';

export interface Deadline {
  /** In monotonic milliseconds. */
  readonly at: number;
  readonly budget: Budget;
}

/** By the first three rows of the table; `now` in monotonic milliseconds. @internal Its test needs it alone. */
export function deadlineOf({ waitingSince, begun, assignment }: Waiting, policy: FillPolicy, now: number): Deadline {
  const fetch = assignment?.fetch.status ?? null;
  const queuedBefore = assignment?.queuedBefore ?? 0;
  const spentQueueing = Math.max(0, (fetch?.queuedFor ?? 0) - queuedBefore);
  if (fetch?.queued) return { at: now + policy.queueTimeout - spentQueueing, budget: 'queueTimeout' };
  // The head and the first byte of one request have one budget together.
  const since = (begun ? null : assignment?.since) ?? waitingSince ?? now;
  const progressAt = fetch?.progressAt ?? null;
  const from = Math.max(since + spentQueueing, progressAt ?? Number.NEGATIVE_INFINITY);
  return begun || progressAt !== null
    ? { at: from + policy.healTimeout, budget: 'healTimeout' }
    : { at: from + policy.firstByteTimeout, budget: 'firstByteTimeout' };
}

export class Deadlines {
  readonly #clock: Clock;
  readonly #policy: FillPolicy;
  readonly #reachability: ReachabilityView;
  readonly #presence: Pick<Presence, 'present'>;

  constructor(clock: Clock, policy: FillPolicy, reachability: ReachabilityView, presence: Pick<Presence, 'present'>) {
    this.#clock = clock;
    this.#policy = policy;
    this.#reachability = reachability;
    this.#presence = presence;
  }

  /** Until when a waiting reader has hope. */
  of(reader: Waiting): Deadline {
    const deadline = deadlineOf(reader, this.#policy, this.#clock.now());
    return { ...deadline, at: Math.min(deadline.at, this.#toldBy(reader) ?? deadline.at) };
  }

  /** Until when a fetch has hope on whose bytes readers count who do not wait yet, in monotonic milliseconds. */
  ahead({ openedAt, queuedFor, progressAt }: FetchTimes): number {
    const { firstByteTimeout, healTimeout } = this.#policy;
    return progressAt === null ? openedAt + queuedFor + firstByteTimeout : progressAt + healTimeout;
  }

  /** What a reader is told whose time is over because the origin is out of reach; `null` where that is not why. */
  outOfReach(reader: Waiting): ProxyError | null {
    const toldBy = this.#toldBy(reader);
    return toldBy === null || toldBy > this.#clock.now() ? null : this.#reachability.outOfReach;
  }

  /**
   * Who comes to a gap while the origin is out of reach is told early: there is more of the title that can be watched.
   * Who waits for one of which nothing is there has nothing better to do.
   */
  #toldBy({ waitingSince }: Waiting): number | null {
    if (waitingSince === null || this.#presence.present.size === 0) return null;
    return this.#reachability.toldBy(waitingSince);
  }
}
