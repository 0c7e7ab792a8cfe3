/**
 * Where temporary redirects led, for as long as a play goes on: its further pieces are asked for there at once, and not by
 * way of the whole chain each. Who comes after a pause, or finds nothing there, begins at the start again.
 */
import type { Clock } from '../clock.ts';
import { keepNewest } from '../kit/keep-newest.ts';
import type { RedirectHop } from './redirect.ts';
import type { RedirectJar } from './redirect-jar.ts';

/** A play goes on while pieces follow each other within so many milliseconds. */
const playMs = 60_000;

const mostRemembered = 1000;

/** The end of a chain. */
export interface ChainEnd {
  readonly hop: RedirectHop;
  /** Whether every hop was at the base, to which alone its credentials go. */
  readonly atHome: boolean;
  /** Whether every hop was at the place where the chain began, to which alone the fields of a resolved URL go. */
  readonly atStart: boolean;
  readonly jar: RedirectJar;
  /** For how long the redirects may be believed, in milliseconds. */
  readonly ledHereForMs: number;
}

export class RedirectMemory {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #ends = new Map<string, ChainEnd & { at: number }>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** Where the chain led by which this play began; `null` where none did, or nobody plays any more. */
  find(key: string): ChainEnd | null {
    const end = this.#ends.get(key);
    if (end === undefined || this.#clock.now() - end.at > playMs) return null;
    end.at = this.#clock.now();
    return end;
  }

  keep(key: string, end: ChainEnd): void {
    this.#ends.delete(key);
    this.#ends.set(key, { ...end, at: this.#clock.now() });
    keepNewest(this.#ends, mostRemembered);
  }

  forget(key: string): void {
    this.#ends.delete(key);
  }
}
