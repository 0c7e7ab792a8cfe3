/**
 * Whether an origin serves one connection at a time, until that is closed: learned from its answers.
 *
 * Such a server lets every other connection wait, also behind one that is idle, and behind a body that nobody reads. It
 * shows by an answer that was late and came as soon as the last other connection was closed. Once that may be chance:
 * a server that is slow may have been about to answer. So it is seen twice, after waits of different length.
 */
import type { Clock } from '../clock.ts';
import type { ConcurrencyView } from './origin.ts';

/** So many round trips it takes to connect, to agree on TLS, and to ask. */
const roundTrips = 4;

/** So many of them once the server has room for a connection that TCP has made already. */
const tripsOnceRoom = { plain: 1, tls: 3 };

/** An answer is late after so many milliseconds besides. */
const lateMs = { first: 1000, second: 1600 };

/** One that comes within so many milliseconds of something, besides, may have waited for it. */
const promptMs = 250;

/** So often it has to be seen. */
const enough = 2;

/** What was learned counts for so long, in milliseconds: servers change. */
const settledMs = 5 * 60_000;

/** Who found nothing out does not try it again for so long. */
const unclearMs = 30_000;

/** What is missing of a body is still at the server, however large the buffers on the way are, where it is so much, in bytes. */
const unbuffered = 8 * 1024 * 1024;

/** How an answer began. */
export interface AnswerStart {
  readonly wasLate: boolean;
  /** How long ago the request was made, in milliseconds. */
  readonly sinceMadeMs: number;
  /** How long ago the request was sent, in milliseconds: what came before may have been a wait for a connection. */
  readonly sinceSentMs: number;
  /** How long ago another connection was closed, in milliseconds, where that was after the request was made. */
  readonly sinceClosedMs: number;
  /** The same of one that was idle, or on which something was still to come: no answer had just come to its end. */
  readonly sinceGivenUpMs: number;
  /** Whether there were other connections when it was late already. */
  readonly hadOthers: boolean;
  /** What is missing of the answers on other connections, in bytes (0 of one that is idle), and whether they go on then. */
  readonly others: ReadonlyArray<{ readonly isKept: boolean; readonly missing: number }>;
  /** Whether a request waits on a connection that was there before. */
  readonly isOutOfTurn: boolean;
  readonly way: Way;
}

/** The way to a server: what a round trip takes, in milliseconds, and whether TLS goes over it. */
export interface Way {
  readonly roundTripMs: number;
  readonly isTls: boolean;
}

export class Concurrency implements ConcurrencyView {
  readonly #clock: Pick<Clock, 'now'>;
  #seen = 0;
  #serialUntil = Number.NEGATIVE_INFINITY;
  #otherwiseUntil = Number.NEGATIVE_INFINITY;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  get isSerial(): boolean {
    return this.#clock.now() < this.#serialUntil;
  }

  get mayBeSerial(): boolean {
    return this.isSerial || this.#clock.now() >= this.#otherwiseUntil;
  }

  /**
   * When an answer is late, in milliseconds after the request. The second wait is longer than any that gives the first sign,
   * on a new connection or a warm one: a server that always takes the same time gives one sign at most.
   */
  lateAfter(way: Way): number {
    if (this.#seen === 0) return lateMs.first + roundTrips * way.roundTripMs;
    return lateMs.second + roundTrips * way.roundTripMs + 2 * onceRoomMs(way);
  }

  /** An answer has begun. */
  answered(start: AnswerStart): void {
    const { wasLate, sinceMadeMs, sinceSentMs, sinceClosedMs, sinceGivenUpMs, hadOthers, others, way } = start;
    const now = this.#clock.now();
    const promptWithinMs = promptMs + onceRoomMs(way);
    const isAlone = !others.some(({ isKept }) => isKept);
    // Timers are exact to a millisecond.
    const waitedMs = sinceMadeMs - sinceGivenUpMs + 1;
    const isFreed = sinceGivenUpMs <= promptWithinMs && waitedMs >= this.lateAfter(way);
    if (start.isOutOfTurn) {
      this.#seen = 0;
    } else if (isFreed && isAlone) {
      this.#seen += 1;
      if (this.#seen < enough) return;
      this.#serialUntil = now + settledMs;
      // When it is looked at again, once is enough.
      this.#seen = enough - 1;
      return;
    }
    const isTried = wasLate && hadOthers && sinceSentMs > promptWithinMs;
    // What was sent before there was room for it is sent again after twice as long each time (RFC 6298 §5.5).
    const isLateByItself = isTried && isAlone && sinceClosedMs > promptWithinMs + sinceSentMs / 2;
    if (isLateByItself || others.some(({ missing }) => missing > unbuffered)) {
      this.#seen = 0;
      this.#serialUntil = Number.NEGATIVE_INFINITY;
      this.#otherwiseUntil = now + settledMs;
    } else if (isTried) {
      this.#otherwiseUntil = Math.max(this.#otherwiseUntil, now + unclearMs);
    }
  }
}

function onceRoomMs({ roundTripMs, isTls }: Way): number {
  return roundTripMs * (isTls ? tripsOnceRoom.tls : tripsOnceRoom.plain);
}
