/**
 * A fetch's time slice on a connection: what it may bring before it gives way to others whose readers wait as well.
 *
 * It lasts from the first body on: the wait for a head is nobody's fault.
 */

const most = { durationMs: 1000, bytes: 4 * 1024 * 1024 };

export class TimeSlice {
  #begun: { readonly at: number; readonly received: number } | null = null;

  /** A body begins, when the fetch has received so many bytes. */
  begin(at: number, received: number): void {
    this.#begun ??= { at, received };
  }

  /** Whether it will be over at a time, with so many bytes received. */
  isOver(at: number, received: number): boolean {
    if (this.#begun === null) return false;
    return received - this.#begun.received >= most.bytes || at - this.#begun.at >= most.durationMs;
  }
}
