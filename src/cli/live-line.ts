/** One line at the foot of the terminal that is written again and again; what else is printed goes above it. */
import { fit } from './columns.ts';
import type { Surroundings } from './invocation.ts';

export class LiveLine implements Disposable {
  readonly #around: Surroundings;
  readonly #onTerminal: boolean;
  #shown = '';

  constructor(around: Surroundings) {
    this.#around = around;
    this.#onTerminal = around.terminal.isTerminal('err');
  }

  /** `kind` says when a line is worth printing where there is no terminal: each time that it is another. */
  show(kind: string, text: string): void {
    const { terminal, complain } = this.#around;
    if (this.#onTerminal) {
      this.#shown = fit(text, terminal.size('err').columns - 1);
      complain(`\r${this.#shown}\x1b[K`);
    } else if (kind !== this.#shown) {
      this.#shown = kind;
      complain(`${text}\n`);
    }
  }

  /** Prints whole lines above. */
  print(text: string): void {
    const again = this.#onTerminal && this.#shown !== '';
    this.#around.complain(again ? `\r\x1b[K${text.replace(/\n?$/, '\n')}${this.#shown}` : text);
  }

  [Symbol.dispose](): void {
    if (this.#onTerminal && this.#shown !== '') this.#around.complain('\r\x1b[K');
  }
}
