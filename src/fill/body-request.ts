/**
 * One request of a fetch to the origin, and its body: read by read, with the patience for each.
 *
 * It may be sent before its bytes can be taken: then the answer waits, unread. Whoever sent it closes it.
 */
import type { OpenRange } from '../bytes/byte-range.ts';
import type { Clock } from '../clock.ts';
import type { Origin, OriginReply } from '../origin/origin.ts';
import { FillFailed, ownFailure } from './failure.ts';
import type { Opening } from './opening.ts';
import type { FillPolicy } from './policy.ts';
import type { UpstreamRequest } from './upstream-request.ts';
import { Watchdog } from './watchdog.ts';

/** A body of which no more than this is missing, and not for longer, is read to its end although nobody wants it. */
const drained = { bytes: 64 * 1024, ms: 1000 };

/** One fetch's way to its first byte, in monotonic milliseconds. */
export interface FirstByteTimes {
  offset: number;
  /** Milliseconds in the queue for a connection, before `startedAt`. */
  queued: number;
  startedAt: number;
  connectedAt: number | null;
  headAt: number;
  landedAt: number;
}

/** Why a request came to its end without a failure. */
export type Pause = 'arrived' | 'rested' | 'yielded' | 'ran out' | 'contradicted';

export interface BodyRequestParts {
  readonly origin: Origin;
  readonly clock: Clock;
  readonly policy: Pick<FillPolicy, 'firstByteTimeout' | 'stallTimeout'>;
  readonly maySpare: () => number;
  /** That of the representation; `null` as long as nobody has told it. */
  readonly length: () => number | null;
  /** Whether a connection is to be idle, for a reader that may seek. */
  readonly keepsWarm: () => boolean;
  /** What TCP took to connect a new one, in milliseconds. */
  readonly connectedIn: (milliseconds: number) => void;
  /** Whether the origin is late with its answer. */
  readonly late: (isLate: boolean) => void;
}

export interface BodyRequestOptions {
  readonly offset: number;
  /** Milliseconds that the fetch has queued. */
  readonly queuedFor: number;
  /** How long the origin may be silent before the first byte, in milliseconds. */
  readonly patienceMs: number;
  /** Whether its bytes can't be taken yet. */
  readonly early: boolean;
}

export class BodyRequest {
  readonly #clock: Clock;
  readonly #policy: Pick<FillPolicy, 'stallTimeout'>;
  readonly #abort = new AbortController();
  readonly #watchdog: Watchdog;
  readonly #reply: Promise<OriginReply>;
  readonly #isEarly: boolean;
  readonly #length: () => number | null;
  #end: number | null;
  #answer: OriginReply | null = null;
  #unread: Buffer | null = null;
  /** Of the next byte of the body. */
  #offset = 0;
  /** Why it was ended from outside, where that is no failure. */
  #ended: Pause | null = null;
  readonly request: UpstreamRequest;
  readonly times: FirstByteTimes;
  /** Whether its head has been judged. */
  begun = false;
  /** Bytes that it brought. */
  received = 0;

  constructor(
    parts: BodyRequestParts,
    request: UpstreamRequest,
    { offset, queuedFor, patienceMs, early }: BodyRequestOptions,
    opening: Opening | null = null,
  ) {
    const { clock } = parts;
    this.#clock = clock;
    this.#policy = parts.policy;
    this.#isEarly = early;
    this.#watchdog = new Watchdog(clock, this.#abort);
    this.#length = parts.length;
    this.request = request;
    this.#end = request.end;
    this.times = {
      offset,
      queued: queuedFor,
      startedAt: opening?.startedAt ?? clock.now(),
      connectedAt: null,
      headAt: opening?.headAt ?? 0,
      landedAt: 0,
    };
    this.#watchdog.set(patienceMs, 'firstByteTimeout');
    this.#reply = opening === null ? this.#open(parts) : this.#take(opening.reply);
    this.#reply.catch(() => {});
  }

  /**
   * Where its body ends, or was asked to end before that is known; `null` where only its framing tells, as long as no other
   * answer has told the length.
   */
  get end(): number | null {
    return this.#end ?? (this.begun ? this.#length() : null);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Whether its body follows on another without a pause. */
  get isEarly(): boolean {
    return this.#isEarly;
  }

  /** Whether the end of the body proves that there is no more (RFC 9112 §8). */
  get endsForCertain(): boolean {
    return this.#answer?.closeDelimited !== true;
  }

  /** Whether an answer came that can be used, where it was sent early; one that can't is no failure yet. */
  async answered(): Promise<boolean> {
    try {
      return (await this.#reply).status === 206;
    } catch {
      return false;
    }
  }

  /** Resolves with the head of the answer. */
  async head(): Promise<OriginReply> {
    this.#answer = await this.#reply;
    return this.#answer;
  }

  /** The head has been judged: the body is held to what that announced. */
  announce({ start, end }: OpenRange): void {
    if (this.request.suffix !== undefined) this.times.offset = start;
    this.#offset = start;
    this.#end = end;
  }

  /** From now on its bytes are taken. */
  begin(): void {
    this.begun = true;
    if (this.#isEarly) this.expectBytes();
  }

  /**
   * The next bytes, or `null` at the end of the body. Rejects with a `FillFailed` or `ProxyError`, also where there are
   * more bytes than announced, or less; or with the reason of `stop`.
   */
  async read(): Promise<Buffer | null> {
    const bytes = this.#unread ?? (await (this.#answer ?? (await this.head())).body.read());
    this.#unread = null;
    this.#offset += bytes?.length ?? 0;
    const { end } = this;
    if (end === null) return bytes;
    if (bytes === null && this.#offset < end) throw cutShort();
    if (this.#offset > end) throw tooLong();
    return bytes;
  }

  /** Bytes of it are taken. */
  came(bytes: number): void {
    if (this.received === 0) this.times.landedAt = this.#clock.now();
    this.received += bytes;
  }

  /** The next `read` gives these, which were the last of those that were read. */
  putBack(bytes: Buffer): void {
    if (bytes.length > 0) this.#unread = bytes;
    this.#offset -= bytes.length;
  }

  /** From now on the origin may be silent for `stallTimeout`. */
  expectBytes(): void {
    this.#watchdog.set(this.#policy.stallTimeout, 'stallTimeout');
  }

  /** Nothing is read for a while. */
  expectNothing(): void {
    this.#watchdog.cancel();
  }

  /**
   * Whether so little is missing that it is read to its end, so that the connection can be used again; `throughput` in bytes
   * a second, or `null` before there are any.
   */
  drainsFrom(position: number, throughput: number | null): boolean {
    if (this.end === null) return false;
    const soon = ((throughput ?? Number.POSITIVE_INFINITY) * drained.ms) / 1000;
    return this.end - position <= Math.min(drained.bytes, soon);
  }

  /** Ends it without a failure. */
  finish(pause: Pause): void {
    this.#ended = pause;
    this.stop(new Error(`the request has ${pause}`));
  }

  /** Gives up whatever it does. */
  stop(reason: unknown): void {
    this.#watchdog.cancel();
    this.#abort.abort(reason);
  }

  /** What `error` means, which came of its calls: why it was ended, where that is no failure. Else throws the cause. */
  outcomeOf(error: unknown): Pause {
    if (this.#ended !== null) return this.#ended;
    throw this.#abort.signal.aborted ? this.#abort.signal.reason : error;
  }

  /** Gives the connection back. */
  close(): void {
    this.#watchdog.cancel();
    this.#answer?.body.cancel();
  }

  async #open({ origin, maySpare, keepsWarm, connectedIn, late: onLate }: BodyRequestParts): Promise<OriginReply> {
    // A warm connection is there before `open` returns.
    let opening = true;
    const onConnected = (connectMs?: number) => {
      if (connectMs !== undefined) connectedIn(connectMs);
      if (!opening) this.times.connectedAt = this.#clock.now();
    };
    const asked = { ...this.request, onConnected, maySpare, keepsWarm, onSpare: connectedIn, onLate };
    const opened = origin.open(asked, this.#abort.signal);
    opening = false;
    const reply = await opened;
    this.times.headAt = this.#clock.now();
    if (this.#isEarly) this.#watchdog.cancel();
    return reply;
  }

  /** It was asked for by somebody else, and is given up by whoever stops this. */
  #take(reply: OriginReply): Promise<OriginReply> {
    this.#abort.signal.addEventListener('abort', () => reply.body.cancel(), { once: true });
    return Promise.resolve(reply);
  }
}

export function cutShort(): FillFailed {
  const message = 'The origin ended its body before the length that it had announced.';
  return new FillFailed(ownFailure('http_response_incomplete', message));
}

function tooLong(): FillFailed {
  return new FillFailed(ownFailure('http_protocol_error', 'The origin sent more bytes than it had announced.'));
}

export function emptyPart(): FillFailed {
  const message = 'The origin sent an empty part where bytes were asked for.';
  return new FillFailed(ownFailure('http_response_incomplete', message));
}
