/** What a soak sees of firstbyte from outside: its memory over time, and what it has lent. */
import type { Firstbyte } from '../crash/firstbyte.ts';
import { median } from './tally.ts';

/** Gauges that are zero when nobody is there. */
const lentGauges =
  /^firstbyte_(?:readers|waiters|cursors|origin_connections|origin_queue_length|lent\w*)(?:\{(.*)\})? (\S+)$/;

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
    const lent: Record<string, number> = {};
    for (const line of text.split('\n')) {
      const [found, , value] = lentGauges.exec(line) ?? [];
      if (found === undefined || Number(value) === 0) continue;
      lent[found.slice('firstbyte_'.length, found.lastIndexOf(' '))] = Number(value);
    }
    return lent;
  }
}
