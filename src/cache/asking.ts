/**
 * In whose words an entry asks its origin: those of the newest viewer.
 *
 * Targets that mean the same bytes may differ in a token, and tokens expire. A target that was never seen before is
 * taken for the fresher one; a viewer who comes back with an older one changes nothing for the others.
 */
import type { Fields } from '../http/fields.ts';

/** More targets than this are not remembered. */
const mostEarlier = 64;

export class Asking {
  /** What is forwarded of a client's fields: the same for all, since it is part of the identity. */
  readonly fields: Fields;
  #target: string;
  readonly #earlier = new Set<string>();

  constructor(target: string, fields: Fields) {
    this.#target = target;
    this.fields = fields;
  }

  /** Path and query to ask for, as the newest viewer sent them. */
  get target(): string {
    return this.#target;
  }

  /** A viewer has come with this target. */
  hear(target: string): void {
    if (target === this.#target || this.#earlier.has(target)) return;
    this.#earlier.add(this.#target);
    const [oldest] = this.#earlier;
    if (this.#earlier.size > mostEarlier && oldest !== undefined) this.#earlier.delete(oldest);
    this.#target = target;
  }
}
