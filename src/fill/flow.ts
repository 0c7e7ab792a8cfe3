/** How fast bytes come by one cursor, counted from when they began to come without a pause of ours. */

/** What comes at once, from buffers on the way, says little about a speed: so many bytes, or milliseconds. */
const burst = { bytes: 64 * 1024, duration: 20 };

export class Flow {
  #since = 0;
  #bytes = 0;

  /** Bytes begin to come, at `now` in milliseconds. */
  begin(now: number): void {
    this.#since = now;
    this.#bytes = 0;
  }

  came(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Bytes a second, or `null` before there are any. */
  speed(now: number): number | null {
    return this.#bytes === 0 ? null : (this.#bytes * 1000) / Math.max(1, now - this.#since);
  }

  /** The same without the burst that a connection begins with; `null` before enough has come to tell. */
  steadySpeed(now: number): number | null {
    if (this.#bytes < burst.bytes) return null;
    return (this.#bytes * 1000) / Math.max(burst.duration, now - this.#since);
  }
}
