/** A tap on a stream: nothing flows until it is pulled, and then no more than was asked for. */
import type { Readable } from 'node:stream';

export class Tap {
  readonly #stream: Readable;
  #wake: (() => void) | null = null;

  constructor(stream: Readable) {
    this.#stream = stream;
    const onChange = () => {
      this.#wake?.();
      this.#wake = null;
    };
    stream.on('readable', onChange).on('end', onChange).on('error', onChange).on('close', onChange);
  }

  /**
   * At least one byte and at most `most`, as soon as there are any; `null` at the end. Rejects with the stream's
   * error, or with an `Error` where it was closed before its end. One call at a time.
   */
  async pull(most: number): Promise<Buffer | null> {
    const stream = this.#stream;
    for (;;) {
      if (stream.errored !== null) throw stream.errored;
      const size = Math.min(most, stream.readableLength);
      const bytes: Buffer | null = stream.read(size);
      if (bytes !== null && bytes.length > 0) return bytes;
      if (stream.readableEnded) return null;
      if (stream.destroyed) throw new Error('The stream was closed before its end.');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
