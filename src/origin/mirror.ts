/**
 * One of several bases with the same files: how well it is, and which versions it is known to lack.
 *
 * A base that failed is asked last for a while, for longer each time it fails again; then the next request tries it. A
 * failure counts for its target alone, unless the base could not be connected to, or other targets failed as well.
 */
import { pauses } from '../budgets.ts';
import type { Clock } from '../clock.ts';
import { backOffMs } from '../kit/back-off.ts';
import { keepNewest } from '../kit/keep-newest.ts';
import type { Origin } from './origin.ts';

/** After this many failed targets in a row the base itself counts as failed. */
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
  /** Targets that have failed since the last success. */
  readonly #inARow = new Set<string>();
  #whole: Trouble | null = null;

  constructor(host: string, origin: Origin, clock: Clock) {
    this.host = host;
    this.origin = origin;
    this.#clock = clock;
  }

  /** The base with the lowest rank is asked first; bases of one rank are asked in the operator's order. */
  rank(target: string, version: string | null): number {
    const now = this.#clock.now();
    const lacks = version !== null && this.#lacking.has(version);
    const cools = this.#troublesOf(target).some(({ coolUntil }) => now < coolUntil);
    return (lacks ? 2 : 0) + (cools ? 1 : 0);
  }

  /** Since when requests for a target have failed, in monotonic milliseconds; `null` where the last one did not. */
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
