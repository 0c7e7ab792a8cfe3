/** What a soak sees of firstbyte from outside: its memory over time, and what it has lent. */
import type { Firstbyte } from '../crash/firstbyte.ts';
import { median } from './tally.ts';

/** What is counted as lent, one line for each thing. */
const lentGauge = /^firstbyte_lent\{what="(\w+)"\} (\S+)$/gm;

/** The share of what was resident early that it may have grown to. */
export const mostGrown = 1.05;

export interface Window {
  /** In milliseconds since the beginning. */
  readonly from: number;
  readonly to: number;
}

/** For an hour minutes 10 to 20, and the last ten; in proportion for another length. */
export function windowsOf(duration: number): { readonly early: Window; readonly late: Window } {
  return {
    early: { from: duration / 6, to: duration / 3 },
    late: { from: (duration * 5) / 6, to: duration },
  };
}

export class Sight {
  readonly #firstbyte: Firstbyte;
  readonly #resident: Array<{ readonly at: number; readonly bytes: number }> = [];

  constructor(firstbyte: Firstbyte) {
    this.#firstbyte = firstbyte;
  }

  /** `at` is in milliseconds since the beginning. */
  look(at: number): void {
    this.#resident.push({ at, bytes: this.#firstbyte.resident });
  }

  /** The median of what was resident within a window, in bytes. */
  resident({ from, to }: Window): number {
    return median(this.#resident.filter(({ at }) => at >= from && at <= to).map(({ bytes }) => bytes));
  }

  /** Everything that is lent at this moment and how much of it, and nothing else. */
  async lent(): Promise<Readonly<Record<string, number>>> {
    const text = await (await fetch(`${this.#firstbyte.url}/-/metrics`, { signal: AbortSignal.timeout(5000) })).text();
    const counts = [...text.matchAll(lentGauge)].map(([, thing = '', count]) => [thing, Number(count)] as const);
    if (counts.length === 0) throw new Error('firstbyte does not tell what it has lent.');
    return Object.fromEntries(counts.filter(([, count]) => count !== 0));
  }
}
