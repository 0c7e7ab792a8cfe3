/**
 * The progress of long work: on a terminal a bar after the first second, elsewhere a line now and then.
 *
 * It goes to standard error. The bar disappears when the work is done.
 */

import { durationWords, sizeWords, speedWords } from '../kit/amounts.ts';
import { fit, padEnd, widthOf } from './columns.ts';
import type { Surroundings } from './invocation.ts';

const quietForMs = 1000;
const barIntervalMs = 100;
const lineIntervalMs = 10_000;
const speedWindowMs = 3000;
/** Room for the figures behind the bar, so that it stays in its place while they change. */
const figuresWidth = 54;
/** The least room for what is done, and the cells of the bar on a narrow and on a wide terminal. */
const leastName = 12;
const barWidths = { narrow: 10, wide: 20, wideFrom: 100 } as const;

export class ProgressBar implements Disposable {
  readonly #what: string;
  readonly #around: Surroundings;
  readonly #startedAt: number;
  #shownAt: number;
  #samples: { readonly at: number; readonly done: number }[] = [];
  #drawn = false;

  constructor(what: string, around: Surroundings) {
    this.#what = what;
    this.#around = around;
    this.#startedAt = around.clock.now();
    this.#shownAt = this.#startedAt;
  }

  /** So many bytes are done; `total` is `null` where unknown. What was there before it is known is no speed. */
  update(done: number, total: number | null): void {
    const now = this.#around.clock.now();
    if (total !== null) {
      this.#samples = [...this.#samples.filter(({ at }) => now - at < speedWindowMs), { at: now, done }];
    }
    const onTerminal = this.#around.terminal.isTerminal('err');
    const due = onTerminal
      ? now - this.#startedAt >= quietForMs && now - this.#shownAt >= barIntervalMs
      : now - this.#shownAt >= lineIntervalMs;
    if (!due) return;
    this.#shownAt = now;
    if (onTerminal) this.#draw(done, total);
    else this.#around.complain(`${this.#what}: ${this.#figures(done, total).join('')}\n`);
  }

  [Symbol.dispose](): void {
    if (this.#drawn) this.#around.complain('\r\x1b[K');
    this.#drawn = false;
  }

  /** Name and bar stay in their places; what has no room behind them is left out. */
  #draw(done: number, total: number | null): void {
    const width = this.#around.terminal.size('err').columns - 1;
    const barWidth = width < barWidths.wideFrom ? barWidths.narrow : barWidths.wide;
    const name = fit(this.#what, Math.max(leastName, width - barWidth - 2 - figuresWidth));
    const head = `${name} ${barOf(total === null ? 0 : done / Math.max(1, total), barWidth)} `;
    const line = this.#figures(done, total).reduce(
      (text, figure) => (widthOf(text + figure) <= width ? text + figure : text),
      head,
    );
    this.#around.complain(`\r${fit(line, width)}\x1b[K`);
    this.#drawn = true;
  }

  #figures(done: number, total: number | null): string[] {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    const elapsed = (last?.at ?? 0) - (first?.at ?? 0);
    const speed = elapsed > 0 ? ((last?.done ?? 0) - (first?.done ?? 0)) / (elapsed / 1000) : null;
    const of = total === null ? '' : ` of ${sizeWords(total)}, ${Math.floor((100 * done) / Math.max(1, total))} %`;
    return [
      sizeWords(done) + of,
      ...(speed === null ? [] : [`, ${speedWords(speed)}`]),
      ...(speed && total !== null ? [`, ${durationWords(((total - done) / speed) * 1000)} left`] : []),
    ];
  }
}

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;

/** A bar of `width` cells that is filled from the left up to `share`, between 0 and 1. */
function barOf(share: number, width: number): string {
  const cells = Math.max(0, Math.min(1, share)) * width;
  const whole = Math.floor(cells);
  return padEnd('█'.repeat(whole) + eighths[Math.floor((cells - whole) * 8)], width);
}
