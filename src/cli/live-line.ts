/** One line at the foot of the terminal that is updated in place. Other output goes above it. */
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

  /** Without a terminal, a line is printed each time that `kind` changes. */
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
