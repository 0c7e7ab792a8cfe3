/**
 * A cursor's turn with a connection: what it may bring before it gives way to others whose readers wait as well.
 *
 * It lasts from the first body on: the wait for a head is nobody's fault.
 */

/** Milliseconds, and bytes. */
const most = { duration: 1000, bytes: 4 * 1024 * 1024 };

export class Turn {
  #begun: { readonly at: number; readonly landed: number } | null = null;

  /** A body begins, when so many bytes have landed by the cursor. */
  begin(at: number, landed: number): void {
    this.#begun ??= { at, landed };
  }

  /** Whether it will be over at a time, with so many bytes landed. */
  isOver(at: number, landed: number): boolean {
    if (this.#begun === null) return false;
    return landed - this.#begun.landed >= most.bytes || at - this.#begun.at >= most.duration;
  }
}
