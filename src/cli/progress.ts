/**
 * The progress of long work: on a terminal a bar after the first second, elsewhere a line now and then.
 *
 * It goes to standard error. The bar disappears when the work is done.
 */
import { fit, padEnd } from './columns.ts';
import type { Surroundings } from './invocation.ts';
import { durationWords, sizeWords, speedWords } from './words.ts';

const quietForMs = 1000;
const barIntervalMs = 100;
const lineIntervalMs = 10_000;
const speedWindowMs = 3000;
/** Room for the figures behind the bar, so that it stays in its place while they change. */
const figuresWidth = 52;

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

  /** So many bytes are done; `total` is `null` where unknown. */
  update(done: number, total: number | null): void {
    const now = this.#around.clock.now();
    this.#samples = [...this.#samples.filter(({ at }) => now - at < speedWindowMs), { at: now, done }];
    const onTerminal = this.#around.terminal.isTerminal('err');
    const due = onTerminal
      ? now - this.#startedAt >= quietForMs && now - this.#shownAt >= barIntervalMs
      : now - this.#shownAt >= lineIntervalMs;
    if (!due) return;
    this.#shownAt = now;
    if (onTerminal) this.#draw(done, total);
    else this.#around.complain(`${this.#what}: ${this.#far(done, total)}\n`);
  }

  [Symbol.dispose](): void {
    if (this.#drawn) this.#around.complain('\r\x1b[K');
    this.#drawn = false;
  }

  #draw(done: number, total: number | null): void {
    const { columns } = this.#around.terminal.size('err');
    const far = this.#far(done, total);
    const bar = total === null ? '' : ` ${barOf(done / Math.max(1, total), 20)} `;
    const room = Math.max(10, columns - 1 - 22 - figuresWidth);
    this.#around.complain(`\r${fit(`${fit(this.#what, room)}${bar || ' '}${far}`, columns - 1)}\x1b[K`);
    this.#drawn = true;
  }

  #far(done: number, total: number | null): string {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    const elapsed = (last?.at ?? 0) - (first?.at ?? 0);
    const speed = elapsed > 0 ? ((last?.done ?? 0) - (first?.done ?? 0)) / (elapsed / 1000) : null;
    const of = total === null ? '' : ` of ${sizeWords(total)}, ${Math.floor((100 * done) / Math.max(1, total))} %`;
    const pace = speed === null ? '' : `, ${speedWords(speed)}`;
    const left = speed && total !== null ? `, ${durationWords(((total - done) / speed) * 1000)} left` : '';
    return `${sizeWords(done)}${of}${pace}${left}`;
  }
}

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;

/** A bar of `width` cells that is filled from the left up to `share`, between 0 and 1. */
function barOf(share: number, width: number): string {
  const cells = Math.max(0, Math.min(1, share)) * width;
  const whole = Math.floor(cells);
  return padEnd('█'.repeat(whole) + eighths[Math.floor((cells - whole) * 8)], width);
}
