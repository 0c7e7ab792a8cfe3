/** One connection through a relay: what is carried, how late, and what goes wrong on the way. */
import type { Clock } from '../../src/clock.ts';
import { reset } from '../../src/proxy/client-connection.ts';
import type { SocketLike } from '../support/duplex-pair.ts';
import { pieceSize } from '../support/pace.ts';
import { pause } from '../support/pause.ts';
import { Tap } from '../support/tap.ts';
import type { Link } from './link.ts';

/** Something that goes wrong when `after` bytes of answers have gone through a connection. */
export interface Fault {
  readonly after: number;
  /** Milliseconds without a byte; `Infinity` for good. */
  readonly stall?: number;
  /** The connection closes: as if the origin had closed it (`end`), or with a reset on both sides. */
  readonly cut?: 'end' | 'reset';
}

export interface CrossingOptions {
  readonly near: SocketLike;
  readonly far: SocketLike;
  readonly clock: Clock;
  readonly delay: number;
  readonly headDelay: number;
  readonly window: number;
  readonly fault: Fault | null;
  readonly line: Link;
  readonly requestLine: Link;
  readonly onCarried: (bytes: number) => void;
  readonly onClosed: () => void;
}

export class Crossing {
  readonly #options: CrossingOptions;
  readonly #closed = new AbortController();
  /** Before this time no byte of an answer passes. */
  #answerAt = 0;
  #carried = 0;
  #open = 2;

  constructor(options: CrossingOptions) {
    this.#options = options;
    const { near, far } = options;
    for (const [side, other] of [[near, far] as const, [far, near] as const]) {
      side.on('error', () => this.#break(other));
      side.on('close', () => this.#onSideClosed());
    }
    void this.#carryRequests();
    void this.#carryAnswers();
  }

  /** Breaks the connection on both sides now. */
  cut(how: 'end' | 'reset'): void {
    this.#closed.abort();
    const { near, far } = this.#options;
    reset(far);
    if (how === 'reset') reset(near);
    else near.destroy();
  }

  async #carryRequests(): Promise<void> {
    const { near, far, requestLine, headDelay, clock } = this.#options;
    const lane = new Lane(far, this.#options, this.#closed.signal);
    await this.#carry(new Tap(near), lane, requestLine, async (bytes) => {
      this.#answerAt = clock.now() + headDelay;
      return bytes;
    });
  }

  async #carryAnswers(): Promise<void> {
    const { near, far, line, clock, onCarried } = this.#options;
    const lane = new Lane(near, this.#options, this.#closed.signal);
    await this.#carry(new Tap(far), lane, line, async (bytes) => {
      await pause(clock, this.#answerAt - clock.now(), this.#closed.signal);
      const passed = await this.#misbehave(bytes, lane);
      this.#carried += passed.length;
      onCarried(passed.length);
      return passed;
    });
  }

  /** Carries one direction to its end; a direction that fails has been broken by the side's `error` already. */
  async #carry(tap: Tap, lane: Lane, line: Link, pass: (bytes: Buffer) => Promise<Buffer>): Promise<void> {
    try {
      for (;;) {
        await lane.room();
        const bytes = await tap.pull(pieceSize(line.rate));
        if (bytes === null) return lane.end();
        const passed = await pass(bytes);
        await line.carry(passed.length, this.#closed.signal);
        lane.send(passed);
      }
    } catch {
      this.#break(lane.sink);
    }
  }

  /** Lets bytes up to a fault pass, then does it; returns those after it. */
  async #misbehave(bytes: Buffer, lane: Lane): Promise<Buffer> {
    const { fault, line, clock, onCarried } = this.#options;
    const before = (fault?.after ?? Number.POSITIVE_INFINITY) - this.#carried;
    if (fault === null || before < 0 || before >= bytes.length) return bytes;
    const first = bytes.subarray(0, before);
    await line.carry(first.length, this.#closed.signal);
    lane.send(first);
    this.#carried += first.length;
    onCarried(first.length);
    if (fault.cut !== undefined) {
      await lane.arrived();
      this.cut(fault.cut);
    }
    await pause(clock, fault.stall ?? 0, this.#closed.signal);
    return bytes.subarray(before);
  }

  #break(side: SocketLike): void {
    this.#closed.abort();
    if (!side.destroyed) reset(side);
  }

  #onSideClosed(): void {
    this.#open -= 1;
    if (this.#open > 0) return;
    this.#closed.abort();
    this.#options.onClosed();
  }
}

/** The way to one side: bytes under way, at most a window of them, each `delay` milliseconds long. */
class Lane {
  readonly sink: SocketLike;
  readonly #options: { readonly clock: Clock; readonly delay: number; readonly window: number };
  readonly #signal: AbortSignal;
  #underWay = 0;
  #change = Promise.withResolvers<void>();

  constructor(
    sink: SocketLike,
    options: { readonly clock: Clock; readonly delay: number; readonly window: number },
    signal: AbortSignal,
  ) {
    this.sink = sink;
    this.#options = options;
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#changed(), { once: true });
  }

  send(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#underWay += bytes.length;
    this.#later(() => {
      this.sink.write(bytes, () => {
        this.#underWay -= bytes.length;
        this.#changed();
      });
    });
  }

  end(): void {
    this.#later(() => this.sink.end());
  }

  /** Resolves when one more piece may be sent. */
  async room(): Promise<void> {
    while (this.#underWay >= this.#options.window && !this.#signal.aborted) await this.#change.promise;
  }

  /** Resolves when the sink has taken everything. */
  async arrived(): Promise<void> {
    while (this.#underWay > 0 && !this.#signal.aborted) await this.#change.promise;
  }

  #later(act: () => void): void {
    const { clock, delay } = this.#options;
    const actUnlessClosed = () => {
      if (!this.sink.destroyed && !this.#signal.aborted) act();
    };
    if (delay === 0) actUnlessClosed();
    else clock.after(delay, actUnlessClosed);
  }

  #changed(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}
