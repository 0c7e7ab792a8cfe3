/**
 * One origin request of a cursor: asks, has the head judged, and lands the body, read by read.
 *
 * It may be asked before its turn has come: then the answer waits, unread, until it is run. It ends when the body does,
 * when what follows is present or another's, when it has rested for too long, or when the connection is to be given to
 * somebody else. Whatever goes wrong is thrown; the cursor decides what comes next.
 */
import { ProxyError } from '../errors.ts';
import type { OriginReply } from '../origin/origin.ts';
import type { Cursor } from './cursor.ts';
import type { CursorHost, FirstByteTimes } from './cursor-host.ts';
import { FillFailed } from './failure.ts';
import type { BodyRange } from './identity-guard.ts';
import type { Opening } from './opening.ts';
import type { RangeRequest } from './range-request.ts';
import { Watchdog } from './watchdog.ts';

/** A body of which no more than this is missing is read to its end although nobody wants it, in bytes. */
const drained = 64 * 1024;

/** Why a transfer came to its end without a failure. */
export type Pause = 'arrived' | 'rested' | 'yielded' | 'ran out' | 'contradicted';

export class Transfer {
  readonly #cursor: Cursor;
  readonly #host: CursorHost;
  readonly #abort = new AbortController();
  readonly #watchdog: Watchdog;
  readonly #request: RangeRequest;
  readonly #times: FirstByteTimes;
  readonly #reply: Promise<OriginReply>;
  readonly #isOpening: boolean;
  #early: boolean;
  #begun = false;
  /** Why it was ended from outside, where that is no failure. */
  #ended: Pause | null = null;
  /** Came with bytes that had to be compared. */
  #unread: Buffer | null = null;
  /** Where its body ends, or was asked to end before that is known. */
  until: number;
  /** Bytes that it brought. */
  landed = 0;

  /** Asks for what follows `offset`; `early` where the cursor is not there yet; or has an answer already. */
  constructor(cursor: Cursor, host: CursorHost, offset: number, how: 'now' | 'early' | Opening) {
    const opening = typeof how === 'string' ? null : how;
    this.#cursor = cursor;
    this.#host = host;
    this.#early = how === 'early';
    this.#isOpening = opening !== null;
    this.#watchdog = new Watchdog(host.clock, this.#abort);
    this.#times = {
      offset,
      queued: cursor.queuedFor,
      startedAt: opening?.startedAt ?? host.clock.now(),
      connectedAt: null,
      headAt: opening?.headAt ?? 0,
      landedAt: 0,
    };
    this.#watchdog.set((cursor.landed > 0 ? 1 : 2) * host.policy.firstByteTimeout, 'firstByteTimeout');
    this.#request = opening?.request ?? host.course.request(cursor, offset);
    this.until = this.#request.end ?? Number.POSITIVE_INFINITY;
    this.#reply = opening === null ? this.#open() : this.#take(opening.reply);
    this.#reply.catch(() => {});
  }

  /** Whether its head has been judged. */
  get begun(): boolean {
    return this.#begun;
  }

  /** Whether an answer came that can be used, where it was asked early; one that can't is no failure yet. */
  async answered(): Promise<boolean> {
    try {
      return (await this.#reply).status === 206;
    } catch {
      return false;
    }
  }

  /** Lands the body. Rejects with `FillFailed`, a `ProxyError`, or the reason of `stop`. */
  async run(): Promise<Pause> {
    let reply: OriginReply | null = null;
    try {
      reply = await this.#reply;
      const body = await this.#judge(reply);
      if (body === null) return 'contradicted';
      const { start, end } = body;
      if (this.#request.ranged && start === this.#request.start) await this.#verify(reply, start);
      else this.#cursor.position = start;
      this.until = end ?? Number.POSITIVE_INFINITY;
      this.#begun = true;
      this.#cursor.flows(this.#early);
      return await this.#read(reply, end);
    } catch (error) {
      if (this.#ended !== null) return this.#ended;
      throw this.#abort.signal.aborted ? this.#abort.signal.reason : error;
    } finally {
      this.#watchdog.cancel();
      reply?.body.cancel();
    }
  }

  /** Gives up whatever it does. */
  stop(reason: unknown): void {
    this.#watchdog.cancel();
    this.#abort.abort(reason);
  }

  /** Ends it without a failure; but a body of which little is missing is read to its end. */
  end(pause: Pause): void {
    if (this.#begun && this.#drains) return;
    this.#ended = pause;
    this.stop(new Error(`the transfer has ${pause}`));
  }

  /** Whether so little is missing that it is read to its end, so that the connection can be used again. */
  get #drains(): boolean {
    return this.until - this.#cursor.position <= drained;
  }

  async #open(): Promise<OriginReply> {
    const { clock, origin, slots, course } = this.#host;
    // A warm connection is there before `open` returns.
    let opening = true;
    const onConnected = () => {
      if (!opening) this.#times.connectedAt = clock.now();
    };
    const maySpare = () => course.asksEarly && slots.used < slots.limit;
    const opened = origin.open({ ...this.#request, onConnected, maySpare }, this.#abort.signal);
    opening = false;
    const reply = await opened;
    this.#times.headAt = clock.now();
    if (this.#early) this.#watchdog.cancel();
    return reply;
  }

  /** It was asked for by somebody else, and is given up by whoever stops this. */
  #take(reply: OriginReply): Promise<OriginReply> {
    this.#abort.signal.addEventListener('abort', () => reply.body.cancel(), { once: true });
    return Promise.resolve(reply);
  }

  async #judge(reply: OriginReply): Promise<BodyRange | null> {
    try {
      return await this.#host.judge(this.#request, reply);
    } finally {
      if (this.#isOpening) this.#host.opened();
    }
  }

  /** Compares what a reply begins with, up to the cursor's position, with what is present. */
  async #verify(reply: OriginReply, start: number): Promise<void> {
    const { position } = this.#cursor;
    for (let offset = start; offset < position; ) {
      const bytes = await reply.body.read();
      if (bytes === null) throw cutShort();
      const overlap = Math.min(bytes.length, position - offset);
      await this.#host.verify(offset, bytes.subarray(0, overlap), this.#abort.signal);
      offset += overlap;
      this.#unread = overlap < bytes.length ? bytes.subarray(overlap) : null;
    }
  }

  async #read(reply: OriginReply, end: number | null): Promise<Pause> {
    const cursor = this.#cursor;
    const host = this.#host;
    if (this.#early) this.#watchdog.set(host.policy.stallTimeout, 'stallTimeout');
    for (;;) {
      const reach = host.course.reach(cursor);
      if (end !== cursor.position && reach.hard <= cursor.position) return 'arrived';
      if (!this.#drains && reach.edge <= cursor.position) {
        this.#watchdog.cancel();
        if (!(await cursor.rest())) return 'rested';
        this.#watchdog.set(host.policy.stallTimeout, 'stallTimeout');
        continue;
      }
      if (!this.#drains && cursor.turnIsOver) return 'yielded';
      if (end !== null) cursor.askEarly(end);
      const bytes = this.#unread ?? (await reply.body.read());
      this.#unread = null;
      if (bytes === null) {
        if (end === null) host.bodyEnded(cursor.position, !reply.closeDelimited);
        else if (cursor.position < end) throw cutShort();
        return host.course.reach(cursor).hard <= cursor.position ? 'arrived' : 'ran out';
      }
      if (end !== null && cursor.position + bytes.length > end) throw tooLong();
      if (await this.#meet(reply, bytes)) return 'arrived';
      await this.#land(bytes);
    }
  }

  /**
   * Where bytes that are present prove more than the validator does, what comes is compared with those that it meets
   * before it lands: else the reader would cross from one version to another. Resolves with whether it ends there; one
   * body from the start, where the origin gives no other, goes on past them.
   */
  async #meet(reply: OriginReply, bytes: Buffer): Promise<boolean> {
    const cursor = this.#cursor;
    const meeting = this.#host.meetingOf(cursor);
    if (meeting === null || cursor.position + bytes.length < meeting.start) return false;
    const { start, end } = meeting;
    if (this.#host.course.ground.ranges === false) {
      const met = bytes.subarray(start - cursor.position, end - cursor.position);
      if (met.length > 0) await this.#host.verify(start, met, this.#abort.signal);
      return false;
    }
    let came = bytes.subarray(start - cursor.position);
    for (let offset = start; offset < end; ) {
      const overlap = came.subarray(0, end - offset);
      if (overlap.length > 0) await this.#host.verify(offset, overlap, this.#abort.signal);
      offset += overlap.length;
      if (offset === end) break;
      const more = await reply.body.read();
      if (more === null) break;
      came = more;
    }
    const missing = bytes.subarray(0, start - cursor.position);
    if (missing.length > 0) await this.#land(missing);
    return true;
  }

  async #land(bytes: Buffer): Promise<void> {
    const { clock, policy } = this.#host;
    const isFirst = this.landed === 0;
    if (isFirst) this.#times.landedAt = clock.now();
    this.landed += bytes.length;
    this.#cursor.came(bytes.length);
    const pressure = this.#host.land(this.#cursor, bytes);
    if (isFirst) this.#host.firstByte(this.#cursor, this.#times, this.#early);
    if (pressure !== undefined) {
      this.#watchdog.cancel();
      await pressure;
    }
    this.#watchdog.set(policy.stallTimeout, 'stallTimeout');
  }
}

function cutShort(): FillFailed {
  const message = 'The origin ended its body before the length that it had announced.';
  return new FillFailed({ kind: 'error', error: new ProxyError('http_response_incomplete', message) });
}

function tooLong(): FillFailed {
  const message = 'The origin sent more bytes than it had announced.';
  return new FillFailed({ kind: 'error', error: new ProxyError('http_protocol_error', message) });
}
