/**
 * How many fetches of one title run side by side for a reader that one connection starves: learned for each origin.
 *
 *     not needed ─▶ trying more ─▶ measuring ─▶ trying fewer ─▶ more bring more │ more bring no more │ refused
 *
 * A long or lossy way gives one connection a part of what the line carries, and several connections bring more. Where the
 * line itself is the limit, more of them only come in each other's way. Which of both it is shows by trying: twice or four
 * times as many, a moment after each other, until they bring plenty, because a player that starves can't wait for a
 * verdict; and then half as many, as long as these bring as much. A verdict counts for `settledMs`.
 */
import type { Clock } from '../clock.ts';
import type { ParallelReason } from '../events.ts';

/** A reader starves for so long before more fetches are begun, in milliseconds. */
const widenMs = 250;

/**
 * Where one connection has been enough for so long without a pause, in milliseconds, it is slow for a moment only, as after a
 * seek: then a reader starves for as long as a verdict takes.
 */
const sufficesMs = 10_000;

/** And for so many round trips, in which one connection may yet become fast (RFC 5681 §3.1). */
const slowStarts = 2;

/** A measure has so many bytes, or lasts as long as a verdict. */
const enoughBytes = 64 * 1024;

/** Over a line that brings less, in bytes a second, each step has to help: there several bodies hold each other up. */
export const slow = 500_000;

/** Where one brings less, in bytes a second, the first step is a careful one. */
const verySlow = 200_000;

/** What brings so many times what it brought a moment before is not at its limit yet. */
const growing = 1.5;

/** A throughput is measured for so long, in milliseconds. */
const judgeMs = 3000;

/** Half as many are enough if they bring this share of what all brought. */
const enough = 0.85;

/** A measure is one of all fetches where this share of them ran. */
const nearlyAll = 0.75;

/** With less than this share it is plain soon that they are not. */
const farLess = 0.7;

/** A verdict counts for so long, in milliseconds: lines and servers change. */
const settledMs = 5 * 60_000;

/** Where several are learned to be worth it, and bring less than plenty for so long, more are tried; so often at most. */
const againAfterMs = 6000;
const againMs = 30_000;

/**
 * While a reader starves, bytes come more often than this, in milliseconds, or in so many round trips; else the measure
 * begins anew.
 */
const gapMs = 1000;
const gapRoundTrips = 4;

/**
 * So many more than run side by side afterwards begin together: their first two round trips bring what players want before
 * they show a picture, and the index of a film beside it.
 */
const more = 12;

/** What is done at an origin, and why. */
export interface ParallelismView {
  readonly fetches: number;
  readonly reason: ParallelReason;
}

/** What is seen while a reader starves. */
export interface Starving {
  /** That just came. */
  readonly bytes: number;
  /** How many fetches bring them. */
  readonly running: number;
  /** How many connections the origin allows. */
  readonly limit: number;
  readonly roundTripMs: number;
  /** Of one fetch so far, in bytes a second. */
  readonly throughput: number;
  /** So many bytes a second are enough. */
  readonly plenty: number;
}

export class Parallelism {
  readonly #clock: Pick<Clock, 'now'>;
  /** How many there may be at all. */
  readonly most: number;
  #fetches = 1;
  #reason: ParallelReason = 'not needed';
  #settledUntil = Number.NEGATIVE_INFINITY;
  #againAt = Number.NEGATIVE_INFINITY;
  /** What the number before brought, in bytes a second. */
  #brought = 0;
  /** When one began to be enough, when it last was, and when it last had been for long. */
  #suffices = { since: 0, at: Number.NEGATIVE_INFINITY, provenAt: Number.NEGATIVE_INFINITY };
  /** How many there were before fewer were tried. */
  #wider = 1;
  /** `shares`: of the bytes, each times the share of the fetches that ran when it came. */
  #measure = { since: 0, bytes: 0, shares: 0, lastAt: Number.NEGATIVE_INFINITY, before: 0 };

  constructor(clock: Pick<Clock, 'now'>, most: number) {
    this.#clock = clock;
    this.most = most;
  }

  /** How many begin together over a long way. */
  get together(): number {
    return this.most === 1 ? 1 : this.most + more;
  }

  get view(): ParallelismView {
    return { fetches: this.#fetches, reason: this.#reason };
  }

  /** How many a reader gets that starves: known before it does, where that was learned. */
  get fetches(): number {
    return this.#fetches;
  }

  /** A reader starves. Returns how many fetches there shall be for it. */
  starves({ bytes, running, limit, roundTripMs, throughput, plenty }: Starving): number {
    const now = this.#clock.now();
    const { lastAt } = this.#measure;
    const isBroken = now - lastAt > Math.max(gapMs, gapRoundTrips * roundTripMs) || running > this.#fetches;
    if (isBroken) this.#begin(now);
    const measure = this.#measure;
    measure.lastAt = now;
    if (!isBroken) {
      measure.bytes += bytes;
      measure.shares += (bytes * running) / this.#fetches;
    }
    const most = Math.min(this.most, limit);
    const elapsed = now - measure.since;
    switch (this.#reason) {
      case 'not needed':
        this.#reason = 'trying more';
        this.#begin(now, throughput);
        break;
      case 'trying more':
        if (elapsed < Math.max(this.#patienceMs, slowStarts * roundTripMs)) break;
        if (measure.bytes < enoughBytes && elapsed < judgeMs) break;
        // A step that could not be made, for want of room in the window, says nothing.
        if (this.#fetches === 1 || running > 1) this.#widen((measure.bytes * 1000) / elapsed, plenty, most);
        this.#begin(now, (measure.bytes * 1000) / elapsed);
        break;
      case 'measuring':
        // What several brought at first may have been a burst.
        if (this.#fetches < most && this.#isPlain(elapsed, plenty)) this.#reason = 'trying more';
        // What only some of them brought, because there was no room in the window yet for all, says nothing of all.
        else if (elapsed >= judgeMs && measure.shares < nearlyAll * measure.bytes) this.#begin(now);
        else if (elapsed >= judgeMs) this.#judge((measure.bytes * 1000) / elapsed, now);
        break;
      case 'trying fewer':
        if (elapsed >= judgeMs || this.#isPlain(elapsed, farLess * this.#brought))
          this.#judge((measure.bytes * 1000) / elapsed, now);
        break;
      default:
        if (now < this.#settledUntil) {
          if (elapsed >= againAfterMs) this.#lookAgain((measure.bytes * 1000) / elapsed, plenty, most, now);
          break;
        }
        this.#reason = this.#fetches === 1 ? 'trying more' : 'measuring';
        this.#begin(now);
    }
    return Math.min(this.#fetches, most);
  }

  /** One connection brings enough now. */
  suffices(): void {
    const now = this.#clock.now();
    if (now - this.#suffices.at > gapMs) this.#suffices.since = now;
    this.#suffices.at = now;
    if (now - this.#suffices.since >= sufficesMs) this.#suffices.provenAt = now;
  }

  /** How long a reader starves before more fetches are begun, in milliseconds. */
  get #patienceMs(): number {
    const isProven = this.#fetches === 1 && this.#clock.now() - this.#suffices.provenAt < settledMs;
    return isProven ? judgeMs : widenMs;
  }

  /** Over a long way as many as there may be have begun together; whether fewer are enough shows later. */
  begins(limit: number): void {
    this.#fetches = Math.min(this.most, limit);
    this.#reason = 'measuring';
    this.#begin(this.#clock.now());
  }

  /** The origin would not have so many. */
  refused(): void {
    this.#fetches = 1;
    this.#settle('refused', this.#clock.now());
  }

  /** More of them, unless those that there are bring enough, or more and more; none where the last step did not help. */
  #widen(throughput: number, plenty: number, most: number): void {
    if (throughput > growing * this.#measure.before || (this.#fetches === 1 && throughput >= plenty)) return;
    if (this.#fetches > 1 && throughput < slow && enough * throughput < this.#brought) {
      this.#fetches = 1;
      this.#settle('more bring no more', this.#clock.now());
    } else if (this.#fetches === most || throughput >= plenty) {
      this.#reason = 'measuring';
    } else {
      const times = throughput >= verySlow && 3 * throughput < plenty ? 4 : 2;
      this.#fetches = Math.min(most, times * this.#fetches);
      this.#brought = throughput;
    }
  }

  /** Whether they bring less, and that is plain before the measure is over. */
  #isPlain(elapsed: number, less: number): boolean {
    return elapsed >= judgeMs / 3 && (this.#measure.bytes * 1000) / elapsed < less;
  }

  /** Whether what was enough when it was judged still is: else more are tried, once in a while. */
  #lookAgain(throughput: number, plenty: number, most: number, now: number): void {
    const isTooLittle = throughput >= slow && throughput < plenty && this.#fetches < most;
    if (this.#reason === 'more bring more' && isTooLittle && now >= this.#againAt) {
      this.#againAt = now + againMs;
      this.#reason = 'trying more';
    }
    this.#begin(now, throughput);
  }

  #judge(throughput: number, now: number): void {
    if (this.#reason === 'trying fewer' && throughput < enough * this.#brought) {
      this.#fetches = this.#wider;
      this.#settle('more bring more', now);
    } else if (this.#fetches === 1) {
      this.#settle('more bring no more', now);
    } else {
      this.#reason = 'trying fewer';
      this.#brought = throughput;
      this.#wider = this.#fetches;
      this.#fetches = Math.ceil(this.#fetches / 2);
      this.#begin(now);
    }
  }

  #settle(reason: ParallelReason, now: number): void {
    this.#reason = reason;
    this.#settledUntil = now + settledMs;
    this.#begin(now);
  }

  /** `before` is what was brought until now, in bytes a second. */
  #begin(now: number, before = 0): void {
    this.#measure = { since: now, bytes: 0, shares: 0, lastAt: now, before };
  }
}
