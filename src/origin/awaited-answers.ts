/**
 * The requests of one `HttpOrigin` that wait for the heads of their answers: sees which are late, and closes the idle
 * connections to their servers, which may wait for requests on these alone.
 */
import type { Clock, Timer } from '../clock.ts';
import { keepNewest } from '../kit/keep-newest.ts';
import type { Concurrency, Way } from './concurrency.ts';
import type { OriginConnection } from './origin-connection.ts';

/** The connections, as far as they matter here. */
export interface AwaitedAnswersHost {
  readonly open: Iterable<OriginConnection>;
  closeIdle(origin: string): void;
}

/** For so long the connection that came about soonest tells how long the way is, in milliseconds; to so many servers. */
const rememberedMs = 5 * 60_000;
const rememberedOrigins = 64;

/** A request that waits. */
export interface AwaitedAnswer {
  /** It is sent on `connection`. */
  sent(connection: OriginConnection): void;
  /** To be called once: with the connection on which the answer has begun, or with `null` where none will. */
  end(answered: OriginConnection | null): void;
}

interface Waiting {
  readonly origin: string;
  readonly since: number;
  sentAt: number;
  connection: OriginConnection | null;
  readonly onLate: (isLate: boolean) => void;
  timer: Timer;
  isLate: boolean;
  /** It was given up, after a time in which others are answered. */
  isGivenUp: boolean;
  hadOthers: boolean;
}

/** When a connection to an origin was closed. */
interface Closing {
  readonly origin: string;
  readonly at: number;
}

const noneYet: Closing = { origin: '', at: Number.NEGATIVE_INFINITY };

export class AwaitedAnswers {
  readonly #clock: Clock;
  readonly #host: AwaitedAnswersHost;
  readonly #concurrency: Concurrency;
  readonly #waiting = new Set<Waiting>();
  /** By origin: what TCP took for the one that came about soonest, in milliseconds: others had to wait for room. */
  readonly #soonest = new Map<string, { readonly connectMs: number; readonly at: number }>();
  /** The last connection that was closed, and the last of those that were not closed after an answer that had been read. */
  #closed = noneYet;
  #givenUp = noneYet;

  constructor(clock: Clock, host: AwaitedAnswersHost, concurrency: Concurrency) {
    this.#clock = clock;
    this.#host = host;
    this.#concurrency = concurrency;
  }

  /** A request to `origin` (scheme, host and port) is to be sent; `onLate` is told when it is late, and late no more. */
  begin(origin: string, onLate: (isLate: boolean) => void): AwaitedAnswer {
    const since = this.#clock.now();
    const waiting: Waiting = {
      ...{ origin, since, sentAt: since, connection: null, onLate },
      ...{ timer: { cancel: () => {} }, isLate: false, isGivenUp: false, hadOthers: false },
    };
    this.#waiting.add(waiting);
    this.#look(waiting);
    return {
      sent: (connection) => {
        waiting.sentAt = this.#clock.now();
        waiting.connection = connection;
      },
      end: (answered) => this.#end(waiting, answered),
    };
  }

  /** Whether an answer of `origin` is late, so that no connection to it is to be idle. */
  isLate(origin: string): boolean {
    for (const waiting of this.#waiting) if (waiting.isLate && waiting.origin === origin) return true;
    return false;
  }

  /** A connection has come about. */
  opened({ origin, connectMs }: OriginConnection): void {
    const soonest = this.#soonest.get(origin);
    const at = this.#clock.now();
    if (soonest !== undefined && soonest.connectMs < connectMs && at - soonest.at < rememberedMs) return;
    this.#soonest.delete(origin);
    this.#soonest.set(origin, { connectMs, at });
    keepNewest(this.#soonest, rememberedOrigins);
  }

  /** A connection has been closed, where `isGivenUp` while it was idle or something was still to come. */
  closed({ origin }: OriginConnection, isGivenUp: boolean): void {
    this.#closed = { origin, at: this.#clock.now() };
    if (isGivenUp) this.#givenUp = this.#closed;
  }

  close(): void {
    for (const { timer } of this.#waiting) timer.cancel();
    this.#waiting.clear();
  }

  /** Looks whether it is late by now, or comes again: how long the way is may have shown meanwhile. */
  #look(waiting: Waiting): void {
    const left = waiting.since + this.#concurrency.lateAfter(this.#wayTo(waiting.origin)) - this.#clock.now();
    if (left > 0) {
      waiting.timer = this.#clock.after(left, () => this.#look(waiting));
      return;
    }
    const { origin, isGivenUp } = waiting;
    if (isGivenUp) this.#waiting.delete(waiting);
    const late = isGivenUp ? [...this.#waiting].filter((each) => each.origin === origin && !each.isLate) : [waiting];
    for (const each of late) this.#late(each);
    this.#host.closeIdle(origin);
  }

  #late(waiting: Waiting): void {
    waiting.timer.cancel();
    waiting.isLate = true;
    waiting.hadOthers = this.#answeredBefore(waiting.origin).length > 0;
    waiting.onLate(true);
  }

  #end(waiting: Waiting, answered: OriginConnection | null): void {
    const { origin, since, sentAt, isLate: wasLate, hadOthers, onLate } = waiting;
    const [now, way] = [this.#clock.now(), this.#wayTo(origin)];
    if (wasLate) onLate(false);
    if (answered === null && !wasLate && now - since >= this.#concurrency.lateAfter(way) / 2) {
      // Whoever asks next in its place shall not wait for all of that time again.
      waiting.isGivenUp = true;
      return;
    }
    waiting.timer.cancel();
    this.#waiting.delete(waiting);
    if (answered === null) return;
    for (const each of this.#waiting) if (each.isGivenUp && each.origin === origin) this.#drop(each);
    const sinceMs = (last: Closing) => (last.origin === origin && last.at >= since ? now - last.at : Infinity);
    const [sinceClosedMs, sinceGivenUpMs] = [sinceMs(this.#closed), sinceMs(this.#givenUp)];
    const others = this.#answeredBefore(origin).filter((connection) => connection !== answered);
    this.#concurrency.answered({
      ...{
        wasLate,
        sinceMadeMs: now - since,
        sinceSentMs: now - sentAt,
        sinceClosedMs,
        sinceGivenUpMs,
        hadOthers,
        way,
      },
      isOutOfTurn: this.#waitsBefore(answered),
      others: others.map(({ isKept, missing }) => ({ isKept, missing })),
    });
  }

  #drop(waiting: Waiting): void {
    waiting.timer.cancel();
    this.#waiting.delete(waiting);
  }

  /** Other connections on which an answer has begun. */
  #answeredBefore(origin: string): OriginConnection[] {
    return [...this.#host.open].filter((each) => each.origin === origin && each.answered && each.usable);
  }

  /** Whether a request waits on a connection that was made before this one: servers that serve one take them in turn. */
  #waitsBefore(answered: OriginConnection): boolean {
    for (const each of this.#host.open) {
      if (each === answered) return false;
      if (each.origin === answered.origin && each.usable && this.#isWaitedOn(each)) return true;
    }
    return false;
  }

  #isWaitedOn(connection: OriginConnection): boolean {
    for (const waiting of this.#waiting) if (waiting.connection === connection) return true;
    return false;
  }

  #wayTo(origin: string): Way {
    return { roundTripMs: this.#soonest.get(origin)?.connectMs ?? 0, isTls: origin.startsWith('https:') };
  }
}
