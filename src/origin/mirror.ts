/**
 * One of several bases with the same files: whether it is worth asking now, and what it is known to lack.
 *
 * A base that failed is left alone for a while, for longer each time it fails again; then real work tries it. What one
 * target failed by counts for that target alone, unless the base could not be connected to, or others failed as well.
 */
import { pauses } from '../budgets.ts';
import type { Clock } from '../clock.ts';
import { backOffMs } from '../kit/back-off.ts';
import { keepNewest } from '../kit/keep-newest.ts';
import type { Origin } from './origin.ts';

/** So many targets that fail, with none in between that did not, tell of their base. */
const enoughTargets = 2;

/** More versions, and more targets, than this are not remembered. */
const mostRemembered = 512;

/** Failures in a row, of one target or of the whole base. */
interface Trouble {
  readonly since: number;
  failures: number;
  coolUntil: number;
}

export class Mirror {
  /** Name and port, for events. */
  readonly host: string;
  readonly origin: Origin;
  readonly #clock: Clock;
  readonly #lacking = new Set<string>();
  readonly #targets = new Map<string, Trouble>();
  /** Those that have failed since one was well. */
  readonly #inARow = new Set<string>();
  #whole: Trouble | null = null;

  constructor(host: string, origin: Origin, clock: Clock) {
    this.host = host;
    this.origin = origin;
    this.#clock = clock;
  }

  /** The lower, the sooner it is asked for a target; those of one rank in the operator's order. */
  rank(target: string, version: string | null): number {
    const now = this.#clock.now();
    const lacks = version !== null && this.#lacking.has(version);
    const cools = this.#troublesOf(target).some(({ coolUntil }) => now < coolUntil);
    return (lacks ? 2 : 0) + (cools ? 1 : 0);
  }

  /** Since when it has failed whoever asks for a target, in monotonic milliseconds; `null` where it is well. */
  failingSince(target: string): number | null {
    const since = this.#troublesOf(target).map((trouble) => trouble.since);
    return since.length === 0 ? null : Math.min(...since);
  }

  succeeded(target: string): void {
    this.#targets.delete(target);
    this.#inARow.clear();
    this.#whole = null;
  }

  /** `connected: false` where it could not be connected to. */
  failed(target: string, connected: boolean): void {
    const trouble = this.#fail(this.#targets.get(target) ?? null);
    this.#targets.set(target, trouble);
    keepNewest(this.#targets, mostRemembered);
    if (this.#inARow.size < enoughTargets) this.#inARow.add(target);
    if (!connected || this.#inARow.size >= enoughTargets) this.#whole = this.#fail(this.#whole);
  }

  /** It holds another version of the target than this one. */
  lacks(version: string): void {
    this.#lacking.add(version);
    keepNewest(this.#lacking, mostRemembered);
  }

  #troublesOf(target: string): Trouble[] {
    return [this.#whole, this.#targets.get(target)].filter((trouble) => trouble != null);
  }

  #fail(before: Trouble | null): Trouble {
    const now = this.#clock.now();
    const trouble = before ?? { since: now, failures: 0, coolUntil: Number.NEGATIVE_INFINITY };
    // Several requests that fail in one cool-down are one failure.
    if (now < trouble.coolUntil) return trouble;
    trouble.failures += 1;
    trouble.coolUntil = now + backOffMs(pauses.mirrorCoolDown, trouble.failures);
    return trouble;
  }
}
